/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file state.h
 * How allocations, relays, permissions, channels and flows come into being, are refreshed and end.
 *
 * Errors are negative errno: -ENOMEM, -ENOSPC (a limit of the configuration, or no free port), or
 * one of open_relay. On error nothing has changed.
 */
#ifndef TURNPIKE_TURN_STATE_STATE_H
#define TURNPIKE_TURN_STATE_STATE_H

#include "turn/state/server.h"

/** turn_limits_set() - measure requests by the numbers of @config from now on */
void turn_limits_set(struct turn_server *server, const struct turn_config *config);

/**
 * struct turn_wish - what an Allocate request asks for
 * @families:    of the relayed transport addresses
 * @n_families:  how many there are, at least 1
 * @refusal:     a further family that was asked for, and that there is not
 * @ports:       of which kind; TURN_PORT_PAIR reserves the second one
 * @token:       of a reservation that is to be used, or NULL
 * @reservation: the same, once it is found; @families is the one of it
 * @lifetime:    in seconds
 * @transaction: STUN_TRANSACTION_LEN bytes of the request
 */
struct turn_wish {
	unsigned int families[TURN_RELAYS_MAX];
	size_t n_families;
	struct turn_refusal refusal;
	enum turn_port_kind ports;
	const uint8_t *token;
	struct turn_reservation *reservation;
	uint32_t lifetime;
	const uint8_t *transaction;
};

/**
 * turn_allocation_new() - make an allocation with those relays that can be had, at least one
 *
 * It has been claimed from the account of @user, to which it returns when it ends, and so have the
 * relay that @wish reserves, or its reservation; of that only the claims are used.
 */
int turn_allocation_new(struct turn_server *server, const struct turn_tuple *tuple,
			struct turn_user *user, const struct turn_wish *wish, uint64_t now,
			struct turn_allocation **alloc);

/**
 * turn_allocation_end() - end @alloc and all that belongs to it; relays are closed last
 * @why: as in struct turn_event
 */
void turn_allocation_end(struct turn_server *server, struct turn_allocation *alloc, const char *why,
			 uint64_t now);

/** turn_allocation_end_relay() - end @relay, and its allocation with the last of its relays */
void turn_allocation_end_relay(struct turn_server *server, struct turn_relay *relay,
			       const char *why, uint64_t now);

/** turn_relay_slot() - where in struct turn_allocation's @relays that of @family is */
static inline size_t turn_relay_slot(unsigned int family)
{
	return family == TURNPIKE_IPV4 ? 0 : 1;
}

/** turn_relay_for() - the relay that peers of @family are reached from, or NULL */
static inline struct turn_relay *turn_relay_for(const struct turn_allocation *alloc,
						unsigned int family)
{
	return alloc->relays[turn_relay_slot(family)];
}

/** turn_relay_new() - open a relay of @family for @alloc, which has none of it */
int turn_relay_new(struct turn_server *server, struct turn_allocation *alloc, unsigned int family,
		   const struct turn_wish *wish, uint64_t now);

/** turn_relay_refresh() - let @relay live for @lifetime seconds from @now */
void turn_relay_refresh(struct turn_server *server, struct turn_relay *relay, uint32_t lifetime,
			uint64_t now);

/** turn_relay_end() - end @relay and all that belongs to it, not its allocation */
void turn_relay_end(struct turn_server *server, struct turn_relay *relay, const char *why,
		    uint64_t now);

/** turn_permission_get() - find the permission for the IP address of @peer, or make an expired one
 */
int turn_permission_get(struct turn_server *server, struct turn_relay *relay,
			const struct turnpike_addr *peer, struct turn_permission **permission);

/** turn_permission_refresh() - grant @permission for 300 s from @now, in the kernel too */
void turn_permission_refresh(struct turn_server *server, struct turn_permission *permission,
			     uint64_t now);

/** turn_permission_drop_unused() - end @permission if it is expired at @now and has no channels */
void turn_permission_drop_unused(struct turn_server *server, struct turn_permission *permission,
				 uint64_t now);

/** turn_permission_end() - end @permission and its channels */
void turn_permission_end(struct turn_server *server, struct turn_permission *permission);

/** turn_channel_new() - make an expired channel for a number and a peer that are both free */
int turn_channel_new(struct turn_server *server, struct turn_permission *permission,
		     uint16_t number, const struct turnpike_addr *peer,
		     struct turn_channel **channel);

/** turn_channel_refresh() - let @channel be bound for 600 s from @now; the flow is not touched */
void turn_channel_refresh(struct turn_server *server, struct turn_channel *channel, uint64_t now);

/** turn_channel_end() - end @channel, not its permission */
void turn_channel_end(struct turn_server *server, struct turn_channel *channel);

/** turn_flow_install() - bring the kernel up to date with @channel, if it is bound at @now */
void turn_flow_install(struct turn_server *server, struct turn_channel *channel, uint64_t now);

/** turn_flow_remove() - take @channel out of the kernel, if it is there */
void turn_flow_remove(struct turn_server *server, struct turn_channel *channel);

#endif /* TURNPIKE_TURN_STATE_STATE_H */
