/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file ops.h
 * The operations that the core calls in its owner: sending, sockets, the kernel's flows, rate
 * limits, events.
 */
#ifndef TURNPIKE_TURN_OPS_H
#define TURNPIKE_TURN_OPS_H

#include "turn/outcome.h"
#include "turn/types.h"

struct turn_relay;

/**
 * struct turn_flow - a channel binding, or a pair of client and peer that exchange data by
 *                    indications, as the kernel's flow tables need it
 * @tuple:                the client's 5-tuple
 * @relay:                the relayed transport address that the socket is bound to, not the
 *                        external one
 * @peer:                 the peer; if it is a client of this relay, the address that its relay
 *                        socket is bound to
 * @xor_peer:             a pair: the peer as indications name it; a channel: all zero
 * @channel:              the channel number, 0x4000 to 0x7FFF; 0: a pair
 * @channel_expiry_ns:    the kernel may relay from client to peer before this time; of a pair, the
 *                        same as @permission_expiry_ns
 * @permission_expiry_ns: the kernel may relay from peer to client before this time
 * @limits:               the allocation's limits from turn_ops.limit; NULL: none
 * @account:              the user, as for turn_ops.limit; lent as long as the flow is installed
 *
 * Neither expiry is later than the expiry of @relay. @relay and @peer identify a flow, and so do
 * @tuple, @channel and @xor_peer.
 */
struct turn_flow {
	struct turn_tuple tuple;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	struct turnpike_addr xor_peer;
	uint16_t channel;
	uint64_t channel_expiry_ns;
	uint64_t permission_expiry_ns;
	void *limits;
	const char *account;
};

/** enum turn_event_kind - what operators may want to log */
enum turn_event_kind {
	TURN_EVENT_ALLOCATED,
	TURN_EVENT_REFRESHED,
	TURN_EVENT_ENDED,
	TURN_EVENT_INTERIM,
	TURN_EVENT_PERMITTED,
	TURN_EVENT_BOUND,
	TURN_EVENT_REFUSED,
	/* Only if turn_ops.is_watched. */
	TURN_EVENT_DROPPED,
	TURN_EVENT_ICMP,
	TURN_EVENT_KINDS,
};

/**
 * struct turn_event - an event for the operator
 * @kind:     what happened
 * @id:       unique among all allocations of the servers of this relay since they began; 0: there
 *            is no allocation
 * @tuple:    the client's 5-tuple
 * @username: as sent by the client, and unverified if @kind is TURN_EVENT_REFUSED; "" if it sent
 *            none
 * @relay:    the relayed transport address as peers see it; NULL if @kind is TURN_EVENT_REFUSED.
 *            An allocation with two of them raises one event for each
 * @peer:     peer of the permission (without port) or channel, of what was dropped, or of the ICMP
 *            error, as the client knows it; NULL if there is none
 * @lifetime: seconds, of TURN_EVENT_ALLOCATED and TURN_EVENT_REFRESHED
 * @channel:  number of the channel, of TURN_EVENT_BOUND
 * @method:   of the refused request
 * @code:     the error code of the refusal
 * @reason:   of the refusal, or why a message or data was dropped
 * @icmp:     what was reported to the client, of TURN_EVENT_ICMP
 * @why:      why the allocation ended: "refresh", "expired", "client gone", "revoked", "denied",
 *            "stopping" or as its owner said; else NULL
 * @age_ns:   how long the relayed transport address lived, of TURN_EVENT_ENDED; has lived so far,
 * of TURN_EVENT_INTERIM
 * @traffic:  by enum turn_direction, what was relayed in user space meanwhile
 * @in_kernel: likewise, in the kernel. What goes to another client of the relay in the kernel
 *            counts for its sender only
 */
struct turn_event {
	enum turn_event_kind kind;
	uint64_t id;
	const struct turn_tuple *tuple;
	const char *username;
	const struct turnpike_addr *relay;
	const struct turnpike_addr *peer;
	uint32_t lifetime;
	uint16_t channel;
	enum turn_method method;
	int code;
	enum turn_reason reason;
	const struct turn_icmp *icmp;
	const char *why;
	uint64_t age_ns;
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
};

/**
 * struct turn_ops - the owner's operations; all are required
 *
 * @send_client:  Send a message of @len bytes from @tuple->server to @tuple->client over
 *                @tuple->transport. @data is lent for the duration of the call; in streams it
 *                includes the padding of RFC 8656 section 12.5. Messages that cannot be sent are
 *                lost, as in UDP. If the client's connection has ended, do nothing.
 * @send_peer:    Send a datagram of @len (0 is valid) bytes from @handle to @peer. @data is lent.
 *                @dont_fragment: set the DF bit in IPv4 (RFC 8656 section 18.9); no effect in IPv6.
 * @open_relay:   Bind a UDP socket to @addr and store a handle of it in @handle. Until close_relay,
 *                pass its datagrams to turn_server_peer_input() with @relay, and its ICMP errors to
 *                turn_server_icmp_input(). Return 0, -EADDRINUSE (the core tries another port) or
 *                another negative errno (the client gets error 508).
 * @close_relay:  Close @handle; the relay becomes invalid. Any input to the server can lead to this
 *                call, for the relay of the input or for others.
 * @install_flow: Add a flow, or replace the flow of the same client tuple, relay, peer, channel and
 *                xor_peer, which differs only in its expiries. Called before the client gets its
 *                success response; for a pair, after its first data has been relayed. Return 0,
 *                also if the flow waits until the kernel has room for it: its packets come to the
 *                core meanwhile. Or return a negative errno and change nothing: the core counts the
 *                failure, removes the flow if it was installed, relays its data in user space, and
 *                tries again at the next refresh.
 * @flow_traffic: Store in @traffic, by enum turn_direction, what the kernel has relayed of an
 *                installed flow since then. @traffic is zero at first.
 * @remove_flow:  Remove an installed or waiting flow. Called when its channel or, of a pair, its
 *                permission expires, before its relay is closed, and before its channel number or
 *                its peer gets another flow.
 * @limit:        Create the rate limits of a new allocation for the user @account and store a
 *                handle in @limits. They cap what the allocation, all allocations of the user, and
 *                all allocations together may relay in each direction. NULL stands for no limits.
 *                Return 0 or a negative errno (the client gets error 508).
 * @unlimit:      Free @limits, never NULL; no flow refers to them any more.
 * @police:       Charge @len bytes of application data, about to be relayed in user space, to
 *                @limits, never NULL. Return whether to relay them; if not, the core drops them.
 * @reach:        Before a datagram is sent to a @peer that has sent none since it was permitted.
 *                Return until when datagrams may be sent to its IP address without asking again,
 *                TURN_NEVER: always, or 0 to drop this one, because the user @account makes the
 * host look for too many peers on its networks already. @again: it was asked before for this
 *                permission, and the peer has not been reached since.
 * @admits:       Before an authenticated user gets an allocation. Return whether it may have one;
 * if not, the client gets error 403. @account: as for @limit.
 * @event:        Note @event, which is lent.
 * @is_watched:   Return whether anybody wants the events that are too many for a log.
 * @unix_time:    Return the seconds since 1970-01-01 00:00 UTC, for time-limited usernames.
 * @random:       Fill @buf with @len bytes from a cryptographically secure source.
 */
struct turn_ops {
	void (*send_client)(void *ctx, const struct turn_tuple *tuple, const uint8_t *data,
			    size_t len);
	void (*send_peer)(void *ctx, void *handle, const struct turnpike_addr *peer,
			  const uint8_t *data, size_t len, bool dont_fragment);
	int (*open_relay)(void *ctx, const struct turnpike_addr *addr, struct turn_relay *relay,
			  void **handle);
	void (*close_relay)(void *ctx, void *handle);
	int (*install_flow)(void *ctx, const struct turn_flow *flow);
	void (*flow_traffic)(void *ctx, const struct turn_flow *flow,
			     struct turn_traffic traffic[TURN_DIRECTIONS]);
	void (*remove_flow)(void *ctx, const struct turn_flow *flow);
	int (*limit)(void *ctx, const char *account, void **limits);
	void (*unlimit)(void *ctx, void *limits);
	bool (*police)(void *ctx, void *limits, enum turn_direction direction, size_t len);
	uint64_t (*reach)(void *ctx, const char *account, const struct turnpike_addr *relay,
			  const struct turnpike_addr *peer, bool again, uint64_t now);
	bool (*admits)(void *ctx, const char *username, const char *account);
	void (*event)(void *ctx, const struct turn_event *event);
	bool (*is_watched)(void *ctx);
	uint64_t (*unix_time)(void *ctx);
	void (*random)(void *ctx, void *buf, size_t len);
};

#endif /* TURNPIKE_TURN_OPS_H */
