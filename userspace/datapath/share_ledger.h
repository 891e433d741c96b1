/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file share_ledger.h
 * What each user has of each table: private to shares.c.
 */
#ifndef TURNPIKE_DATAPATH_SHARE_LEDGER_H
#define TURNPIKE_DATAPATH_SHARE_LEDGER_H

#include "base/siphash.h"
#include "datapath/shares.h"
#include "private/hash.h"

struct share_flow;
struct share_hop;

/**
 * struct share_user - freed with its last flow
 * @used:     what its flows have, those that wait excepted
 * @n_flows:  all of them
 * @waiting:  by what they wait for, the longest waiting first
 * @is_ready: in the list of those whose flows are to be tried; @prev and @next belong to that list
 */
struct share_user {
	uint32_t used[N_SHARES];
	uint32_t n_flows;
	struct share_flow *waiting[N_SHARES];
	bool is_ready;
	struct share_user *prev, *next;
	UT_hash_handle hh;
	char name[];
};

/** struct share_ledger - @hash_key is secret, because clients choose what is hashed */
struct share_ledger {
	const struct share_ops *ops;
	uint32_t limits[N_SHARES];
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct share_user *users;
	struct share_hop *hops;
};

/** share_ledger_hash() - hash of a key, for further tables */
unsigned int share_ledger_hash(const struct share_ledger *ledger, const void *key, size_t len);

/** share_ledger_user() - find a user, or add one; NULL without memory */
struct share_user *share_ledger_user(struct share_ledger *ledger, const char *name);

/** share_ledger_drop() - free a user without flows; leaves one with flows alone */
void share_ledger_drop(struct share_ledger *ledger, struct share_user *user);

/**
 * share_ledger_claim() - take what a binding needs from the shares of its user
 * @hops: to be returned with share_ledger_return()
 * @ret:  N_SHARES; or the share that is used up, and nothing has been taken
 *
 * Return: 0 or -ENOMEM.
 */
int share_ledger_claim(struct share_ledger *ledger, struct share_user *user,
		       const struct turnpike_binding *binding, struct share_hop *hops[static 2],
		       enum share *ret);

/** share_ledger_return() - give back what a binding has taken */
void share_ledger_return(struct share_ledger *ledger, struct share_user *user,
			 const struct turnpike_binding *binding, struct share_hop *hops[static 2]);

#endif /* TURNPIKE_DATAPATH_SHARE_LEDGER_H */
