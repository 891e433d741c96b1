/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stats.h
 * The counters of a server.
 */
#ifndef TURNPIKE_TURN_STATS_H
#define TURNPIKE_TURN_STATS_H

#include <stdint.h>

#include "turn/types.h"

/** STUN error codes are 300 to 599; turn_stats.errors is indexed by code - TURN_ERROR_FIRST. */
#define TURN_ERROR_FIRST 300
#define TURN_ERROR_COUNT 300

/**
 * struct turn_stats - gauges, then counters since the server began
 * @allocations:      current allocations
 * @by_transport:     current allocations by the transport of their clients
 * @relays:           current relayed transport addresses, one or two per allocation
 * @permissions:      current permissions, including expired ones that a channel still refers to
 * @channels:         current channels, including expired ones that cannot be rebound yet
 * @pairs:            current pairs of client and peer that exchange data without a channel
 * @flows:            flows that are installed or wait for room in the kernel
 * @requests:         well-formed requests of known methods received
 * @successes:        success responses sent
 * @errors:           error responses sent, by code - TURN_ERROR_FIRST
 * @to_peer:          data relayed from clients to peers
 * @to_client:        data relayed from peers to clients
 * @over_quota:       Allocate requests refused by turn_config.user_quota
 * @over_rate:        Allocate requests refused by turn_config.user_allocations
 * @over_share:       Allocate requests refused since the user has a large share of the ports
 * @limited:          requests left unanswered by turn_config.unauthenticated_rate
 * @malformed:        messages of clients dropped as malformed, or as neither request, Send
 *                    indication nor ChannelData
 * @no_allocation:    data dropped: its allocation does not exist or has expired
 * @no_permission:    data dropped, in either direction: no live permission
 * @no_channel:       ChannelData dropped: no live channel
 * @no_relay:         data dropped: the other end is an address of this relay, but no live
 *                    allocation has its port
 * @no_neighbour:     data dropped by turn_ops.reach
 * @ttl:              datagrams dropped, in either direction: their TTL or hop limit would become 0
 * @oversize:         datagrams of peers dropped: they do not fit a Data indication
 * @policed:          datagrams dropped, in either direction, by turn_ops.police
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
	uint64_t requests;
	uint64_t successes;
	uint64_t errors[TURN_ERROR_COUNT];
	struct turn_traffic to_peer;
	struct turn_traffic to_client;
	uint64_t over_quota;
	uint64_t over_rate;
	uint64_t over_share;
	uint64_t limited;
	uint64_t malformed;
	uint64_t no_allocation;
	uint64_t no_permission;
	uint64_t no_channel;
	uint64_t no_relay;
	uint64_t no_neighbour;
	uint64_t ttl;
	uint64_t oversize;
	uint64_t policed;
	uint64_t icmp;
	uint64_t install_failures;
	uint64_t over_pairs;
};

/** turn_stats_add() - add each counter of @more to @sum */
void turn_stats_add(struct turn_stats *sum, const struct turn_stats *more);

#endif /* TURNPIKE_TURN_STATS_H */
