/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file shares.h
 * Shares of users: how much of each table of the kernel path the flows of one user may take, so
 * that no user can take the room of all others.
 *
 * A flow that would exceed the share of its user waits here, and is relayed in user space. It is
 * bound when the user's other flows have ended. So waiting flows of a greedy user never stand in
 * the library's queues in front of those of others.
 *
 * While no device relays in the kernel, new flows wait for that: they take nothing of the tables,
 * and cost no question about routes.
 *
 * One thread at a time.
 */
#ifndef TURNPIKE_DATAPATH_SHARES_H
#define TURNPIKE_DATAPATH_SHARES_H

#include <stdbool.h>
#include <stdint.h>
#include <turnpike/turnpike.h>

/**
 * enum share - the tables that are shared
 *
 * Flows are counted by family. Next hops are the pairs of addresses that the flows of a user need:
 * one that two users need counts for both. Neighbours are those next hops to peers that have no
 * gateway, because the kernel resolves each of them: see turnpike_reach(). Clients on a connected
 * network are not counted, because the kernel knows their neighbours from their requests.
 */
enum share {
	SHARE_FLOWS_IPV4,
	SHARE_FLOWS_IPV6,
	SHARE_NEXT_HOPS,
	SHARE_NEIGHBOURS_IPV4,
	SHARE_NEIGHBOURS_IPV6,
	N_SHARES,
	SHARE_OF_NONE, /* none of them: a flow waits for a device that relays in the kernel */
};

/** share_name() - as JSON has it */
const char *share_name(enum share what);

/** share_text() - why a flow waits for it, or for SHARE_OF_NONE, as people have it */
const char *share_text(enum share what);

/** struct share_percents - what one user may take of each table, in percent; 0 or 100: all */
struct share_percents {
	uint32_t flows;
	uint32_t next_hops;
	uint32_t neighbours;
};

/**
 * struct share_use - a table and its users
 * @size:    of the table
 * @limit:   the share of one user: never less than one flow needs, @size without a limit
 * @most:    what the user with most of it has
 * @used:    what all users have together
 * @waiting: flows that wait because the share of their user is used up
 * @refused: flows that have had to wait for that, since the start
 */
struct share_use {
	uint32_t size;
	uint32_t limit;
	uint32_t most;
	uint32_t used;
	uint32_t waiting;
	uint64_t refused;
};

/**
 * struct share_ops - what the owner does
 * @bind:    relay a flow in the kernel, or change one. Return: 0 if it must be unbound, else a
 *           negative errno
 * @unbind:  end that
 * @on_link: whether packets between two addresses need a neighbour of their own; called for a
 *           peer that the user has no flow to
 */
struct share_ops {
	int (*bind)(void *arg, const struct turnpike_binding *binding);
	void (*unbind)(void *arg, const struct turnpike_binding *binding);
	bool (*on_link)(void *arg, const struct turnpike_addr *local,
			const struct turnpike_addr *remote);
	void *arg;
};

struct shares;

/** shares_open() - @sizes are those of the tables. Return: 0 or -ENOMEM. */
int shares_open(const struct share_ops *ops, const uint32_t sizes[static N_SHARES],
		const struct share_percents *percents, struct shares **ret);

/** shares_close() - forget all flows without unbinding them; accepts NULL */
void shares_close(struct shares *shares);

/** shares_set() - change the shares; flows in excess of a smaller one stay until they end */
void shares_set(struct shares *shares, const struct share_percents *percents);

/**
 * shares_set_idle() - whether no device relays in the kernel; at first one does
 *
 * Flows that are bound stay so, in case that a device soon relays again.
 */
void shares_set_idle(struct shares *shares, bool is_idle);

/** shares_deferred() - number of flows that wait until a device relays in the kernel */
uint32_t shares_deferred(const struct shares *shares);

/**
 * shares_bind() - bind a flow, or change a known one, if its user has a share left for it
 * @user: the account, see turn_flow.account
 *
 * Return: 0 also if it has to wait until a device relays in the kernel, and then shares_unbind() is
 * required:
 * - -EDQUOT: the same, but it has to wait for the share of its user
 * - another negative errno: the flow is not bound, and a known one no longer is
 */
int shares_bind(struct shares *shares, const char *user, const struct turnpike_binding *binding);

/** shares_unbind() - end a flow, if it is known */
void shares_unbind(struct shares *shares, const struct turnpike_binding *binding);

/**
 * shares_waits_for() - what a flow waits for
 *
 * Return: an enum share, N_SHARES if it is bound, or -ENOENT if it is not known.
 */
int shares_waits_for(const struct shares *shares, const struct turnpike_binding *binding);

/** shares_due() - may a waiting flow have got room? Then call shares_serve(). */
bool shares_due(const struct shares *shares);

/** shares_serve() - bind waiting flows that have room, @max at most */
void shares_serve(struct shares *shares, unsigned int max);

/** shares_use() - read what is used; takes time for each user */
struct share_use shares_use(const struct shares *shares, enum share what);

/** struct shares_walk - a position in all flows, in the order in which they became known */
struct shares_walk {
	struct share_flow *at; /* the next one; NULL: none */
	uint64_t end;          /* the serial number of the first one that is too new */
	struct shares_walk *prev, *next;
};

/** shares_walk_begin(), shares_walk_end() - @walk belongs to the caller */
void shares_walk_begin(struct shares *shares, struct shares_walk *walk);
void shares_walk_end(struct shares *shares, struct shares_walk *walk);

/**
 * shares_walk_next() - list those of the next @n flows that wait; a result other than 0 ends the
 *                      list
 *
 * Return: 1 if there may be more, 0 after the last one, or what @fn returned.
 */
int shares_walk_next(struct shares_walk *walk, uint32_t n,
		     int (*fn)(const struct turnpike_binding *binding, enum share what, void *arg),
		     void *arg);

#endif /* TURNPIKE_DATAPATH_SHARES_H */
