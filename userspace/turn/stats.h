/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stats.h
 * The counters of a server.
 */
#ifndef TURNPIKE_TURN_STATS_H
#define TURNPIKE_TURN_STATS_H

#include <stdint.h>

#include "turn/outcome.h"
#include "turn/types.h"

/**
 * struct turn_stats - gauges, then counters since the server began
 * @allocations:      current allocations
 * @by_transport:     current allocations by the transport of their clients
 * @relays:           current relayed transport addresses, one or two per allocation
 * @permissions:      current permissions, including expired ones that a channel still refers to
 * @channels:         current channels, including expired ones that cannot be rebound yet
 * @pairs:            current pairs of client and peer that exchange data without a channel
 * @flows:            flows that are installed or wait for room in the kernel
 * @requests:         well-formed requests of known methods by what became of them; an error has the
 *                    code of its reason
 * @redirected:       Allocate requests that were answered with error 300 instead, by reason
 * @to_peer:          data relayed from clients to peers
 * @to_client:        data relayed from peers to clients
 * @dropped:          messages of clients and data of either direction dropped, by reason
 * @icmp:             ICMP errors reported to clients
 * @install_failures: failed calls of turn_ops.install_flow
 * @over_pairs:       datagrams that were relayed, but began no pair: their allocation has too many
 */
struct turn_stats {
	uint64_t allocations;
	uint64_t by_transport[TURN_TRANSPORTS];
	uint64_t relays;
	uint64_t permissions;
	uint64_t channels;
	uint64_t pairs;
	uint64_t flows;
	uint64_t requests[TURN_METHOD_MAX][TURN_REASON_MAX];
	uint64_t redirected[TURN_REASON_MAX];
	struct turn_traffic to_peer;
	struct turn_traffic to_client;
	uint64_t dropped[TURN_REASON_MAX];
	uint64_t icmp;
	uint64_t install_failures;
	uint64_t over_pairs;
};

/** turn_stats_add() - add each counter of @more to @sum */
void turn_stats_add(struct turn_stats *sum, const struct turn_stats *more);

/** struct turn_outcome - how many requests of a method had the same answer for the same reason */
struct turn_outcome {
	enum turn_method method;
	enum turn_reason reason;
	int code;
	uint64_t n;
};

/** turn_stats_outcomes() - call @fn for each outcome that was counted, in a fixed order */
void turn_stats_outcomes(const struct turn_stats *stats,
			 void (*fn)(const struct turn_outcome *outcome, void *arg), void *arg);

/** turn_stats_requests() - all well-formed requests of known methods */
uint64_t turn_stats_requests(const struct turn_stats *stats);

/** turn_stats_by_code() - those with this error response; 0: with success, or without an answer */
uint64_t turn_stats_by_code(const struct turn_stats *stats, int code);

/** turn_stats_by_reason() - those with this reason */
uint64_t turn_stats_by_reason(const struct turn_stats *stats, enum turn_reason reason);

#endif /* TURNPIKE_TURN_STATS_H */
