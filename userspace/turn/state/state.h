/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file state.h
 * Create, refresh and end the objects of a server: allocations, relays, permissions, peers,
 * channels, pairs, and the flows of channels and pairs.
 *
 * Functions that can fail return a negative errno and change nothing: -ENOMEM, -ENOSPC (a
 * configured limit is reached, or no port is free), -EUSERS (turn_limits.max_relays is reached),
 * -EDQUOT (the account has its share of the ports), or an error of turn_ops.open_relay or
 * turn_ops.limit.
 */
#ifndef TURNPIKE_TURN_STATE_STATE_H
#define TURNPIKE_TURN_STATE_STATE_H

#include "turn/state/server.h"

/**
 * struct turn_allocation_params - what an Allocate request asks for
 * @families:      families of the relayed transport addresses
 * @n_families:    number of @families, at least 1
 * @address_error: a further family that was requested but that the server does not have
 * @ports:         kind of port; TURN_PORT_PAIR also reserves the second port
 * @token:         token of a reservation to use, or NULL
 * @reservation:   that reservation once found; it determines @families
 * @lifetime:      in seconds
 * @transaction:   STUN_TRANSACTION_LEN bytes of the request
 */
struct turn_allocation_params {
	unsigned int families[TURN_RELAYS_MAX];
	size_t n_families;
	struct turn_address_error address_error;
	enum turn_port_kind ports;
	const uint8_t *token;
	struct turn_reservation *reservation;
	uint32_t lifetime;
	const uint8_t *transaction;
};

/**
 * turn_allocation_new() - create the allocation of @tuple with at least one of the requested relays
 *
 * The caller has claimed the allocation, and a reservation that @params asks for, from the account
 * of @user. The first claim is returned once the ports have rested after turn_allocation_end(). On
 * error both stay with the caller.
 */
int turn_allocation_new(struct turn_server *server, const struct turn_tuple *tuple,
			struct turn_user *user, const struct turn_allocation_params *params,
			uint64_t now, struct turn_allocation **alloc);

/**
 * turn_allocation_end() - end @alloc and everything below it
 * @why: as in struct turn_event
 */
void turn_allocation_end(struct turn_server *server, struct turn_allocation *alloc, const char *why,
			 uint64_t now);

/**
 * turn_allocations_end() - end all allocations for which @ends returns true
 * @ends: called once for each; must change nothing
 * @why:  as in struct turn_event
 *
 * Return: their number.
 */
size_t turn_allocations_end(struct turn_server *server,
			    bool (*ends)(struct turn_server *server,
					 const struct turn_allocation *alloc, void *arg),
			    void *arg, const char *why, uint64_t now);

/** turn_allocation_end_relay() - end @relay, and its allocation if it has no other relay */
void turn_allocation_end_relay(struct turn_server *server, struct turn_relay *relay,
			       const char *why, uint64_t now);

/** turn_relay_index() - index of the relay of @family in struct turn_allocation */
static inline size_t turn_relay_index(unsigned int family)
{
	return family == TURNPIKE_IPV4 ? 0 : 1;
}

/** turn_relay_for() - the relay of @alloc that reaches peers of @family, or NULL */
static inline struct turn_relay *turn_relay_for(const struct turn_allocation *alloc,
						unsigned int family)
{
	return alloc->relays[turn_relay_index(family)];
}

/**
 * struct turn_relay_params - how to open a relay
 * @family:      enum turnpike_family
 * @ports:       kind of port; TURN_PORT_PAIR also reserves the second port
 * @reservation: use its port; NULL: take one of @ports
 * @expiry_ns:   when the relay expires
 * @on_expiry:   called then with the relay's timer
 */
struct turn_relay_params {
	unsigned int family;
	enum turn_port_kind ports;
	const struct turn_reservation *reservation;
	uint64_t expiry_ns;
	turn_timer_fn on_expiry;
};

/** turn_relay_new() - open a relay for @alloc, which has none of that family */
int turn_relay_new(struct turn_server *server, struct turn_allocation *alloc,
		   const struct turn_relay_params *params, uint64_t now);

/** turn_relay_refresh() - let @relay expire @lifetime seconds from @now, in the kernel, too */
void turn_relay_refresh(struct turn_server *server, struct turn_relay *relay, uint32_t lifetime,
			uint64_t now);

/** turn_relay_end() - end @relay and everything below it, but not its allocation */
void turn_relay_end(struct turn_server *server, struct turn_relay *relay, const char *why,
		    uint64_t now);

/** turn_permission_get() - find the permission for the IP of @peer, or create an expired one */
int turn_permission_get(struct turn_server *server, struct turn_relay *relay,
			const struct turnpike_addr *peer, struct turn_permission **permission);

/** turn_permission_refresh() - grant @permission for 300 s from @now, in the kernel, too */
void turn_permission_refresh(struct turn_server *server, struct turn_permission *permission,
			     uint64_t now);

/** turn_permission_drop_unused() - end @permission if it is expired at @now and has no channels */
void turn_permission_drop_unused(struct turn_server *server, struct turn_permission *permission,
				 uint64_t now);

/** turn_permission_end() - end @permission and its peers */
void turn_permission_end(struct turn_server *server, struct turn_permission *permission);

/** turn_peer_get() - find the peer at @addr, or create an unused one */
int turn_peer_get(struct turn_server *server, struct turn_permission *permission,
		  const struct turnpike_addr *addr, struct turn_peer **peer);

/** turn_peer_drop_unused() - end @peer if it has no channel and is no pair */
void turn_peer_drop_unused(struct turn_server *server, struct turn_peer *peer);

/** turn_peer_end() - end @peer, its channel and its flow, but not its permission */
void turn_peer_end(struct turn_server *server, struct turn_peer *peer);

/** turn_channel_new() - create an expired channel; @number and @addr must not be bound */
int turn_channel_new(struct turn_server *server, struct turn_permission *permission,
		     uint16_t number, const struct turnpike_addr *addr,
		     struct turn_channel **channel);

/** turn_channel_is_live() - whether there is a channel, and it is bound at @now */
static inline bool turn_channel_is_live(const struct turn_channel *channel, uint64_t now)
{
	return channel && channel->expiry_ns > now;
}

/**
 * turn_channel_refresh() - bind @channel for 600 s from @now, in place of the pair of its peer
 *
 * Does not update its flow.
 */
void turn_channel_refresh(struct turn_server *server, struct turn_channel *channel, uint64_t now);

/** turn_channel_end() - end @channel, but not its peer, and not the peer's flow */
void turn_channel_end(struct turn_server *server, struct turn_channel *channel);

/**
 * turn_pair_begin() - client and peer exchange data by indications: let them have a flow
 * @permission: a live one
 * @addr:       the peer; no channel is live, and it is no pair yet
 * @direction:  of the data that was relayed
 *
 * The pair ends with @permission, or when a channel is bound to the peer. If the kernel refuses the
 * flow, the next refresh tries again. Without room for a further pair, nothing changes.
 */
void turn_pair_begin(struct turn_server *server, struct turn_permission *permission,
		     const struct turnpike_addr *addr, enum turn_direction direction, uint64_t now);

/** turn_pair_end() - end the pair with @peer, if it is one, and an otherwise unused @peer, too */
void turn_pair_end(struct turn_server *server, struct turn_peer *peer);

/**
 * turn_flow_update() - give @peer the flow that it should have at @now
 *
 * That is the flow of its live channel, else of its pair, else none. The one before is removed
 * first, or changed if it is the same.
 */
void turn_flow_update(struct turn_server *server, struct turn_peer *peer, uint64_t now);

/** turn_flow_remove() - remove the flow of @peer if it is installed */
void turn_flow_remove(struct turn_server *server, struct turn_peer *peer);

#endif /* TURNPIKE_TURN_STATE_STATE_H */
