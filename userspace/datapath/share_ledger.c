/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "datapath/share_ledger.h"

/** struct hop_key - hashed as it is, without padding */
struct hop_key {
	struct share_user *user;
	struct turnpike_addr local;
	struct turnpike_addr remote;
};

_Static_assert(sizeof(struct hop_key) == sizeof(void *) + 40, "hashed without padding");

/** struct share_hop - a next hop of a user; @neighbour: the share it takes of, or N_SHARES */
struct share_hop {
	struct hop_key key;
	uint32_t references;
	enum share neighbour;
	UT_hash_handle hh;
};

unsigned int share_ledger_hash(const struct share_ledger *ledger, const void *key, size_t len)
{
	return (unsigned int)siphash(ledger->hash_key, key, len);
}

struct share_user *share_ledger_user(struct share_ledger *ledger, const char *name)
{
	const size_t len = strlen(name);
	const unsigned int value = share_ledger_hash(ledger, name, len);
	struct share_user *user;

	HASH_FIND_BYHASHVALUE(hh, ledger->users, name, len, value, user);
	if (user)
		return user;
	user = calloc(1, sizeof(*user) + len + 1);
	if (!user)
		return NULL;
	memcpy(user->name, name, len);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, ledger->users, user->name, len, value, user);
	if (user->hh.tbl)
		return user;
	free(user);
	return NULL;
}

void share_ledger_drop(struct share_ledger *ledger, struct share_user *user)
{
	if (user->n_flows)
		return;
	HASH_DELETE(hh, ledger->users, user);
	free(user);
}

/* The share that is too small for what is needed, or N_SHARES. */
static enum share find_short(const struct share_ledger *ledger, const struct share_user *user,
			     const uint32_t need[static N_SHARES])
{
	for (enum share what = 0; what < N_SHARES; what++) {
		if (need[what] && (uint64_t)user->used[what] + need[what] > ledger->limits[what])
			return what;
	}
	return N_SHARES;
}

/* A binding has a flow of its client's family, and one of its peer's. */
static void count_flows(const struct turnpike_binding *binding, uint32_t need[static N_SHARES])
{
	const struct turnpike_addr *const ends[] = { &binding->client, &binding->peer };

	for (size_t i = 0; i < 2; i++)
		need[ends[i]->family == TURNPIKE_IPV4 ? SHARE_FLOWS_IPV4 : SHARE_FLOWS_IPV6]++;
}

static struct hop_key hop_key(struct share_user *user, const struct turnpike_addr *local,
			      const struct turnpike_addr *remote)
{
	return (struct hop_key){ user, addr_without_port(local), addr_without_port(remote) };
}

/* A next hop that a binding needs; @known: NULL if the user has none there. */
struct hop_need {
	struct hop_key key;
	unsigned int hash;
	struct share_hop *known;
};

static struct hop_need hop_need(const struct share_ledger *ledger, struct share_user *user,
				const struct turnpike_addr *local,
				const struct turnpike_addr *remote)
{
	struct hop_need need = { .key = hop_key(user, local, remote) };

	need.hash = share_ledger_hash(ledger, &need.key, sizeof(need.key));
	HASH_FIND_BYHASHVALUE(hh, ledger->hops, &need.key, sizeof(need.key), need.hash, need.known);
	return need;
}

/* The share of neighbours that a new next hop to a peer takes of, or N_SHARES. */
static enum share neighbour_of(const struct share_ledger *ledger, const struct hop_key *key)
{
	if (!ledger->ops->on_link(ledger->ops->arg, &key->local, &key->remote))
		return N_SHARES;
	return key->remote.family == TURNPIKE_IPV4 ? SHARE_NEIGHBOURS_IPV4 : SHARE_NEIGHBOURS_IPV6;
}

static struct share_hop *new_hop(struct share_ledger *ledger, const struct hop_need *need,
				 enum share neighbour)
{
	struct share_user *user = need->key.user;
	struct share_hop *hop = calloc(1, sizeof(*hop));

	if (!hop)
		return NULL;
	*hop = (struct share_hop){ .key = need->key, .neighbour = neighbour };
	HASH_ADD_BYHASHVALUE(hh, ledger->hops, key, sizeof(hop->key), need->hash, hop);
	if (!hop->hh.tbl) {
		free(hop);
		return NULL;
	}
	user->used[SHARE_NEXT_HOPS]++;
	if (neighbour != N_SHARES)
		user->used[neighbour]++;
	return hop;
}

static struct share_hop *get_hop(struct share_ledger *ledger, const struct hop_need *need,
				 enum share neighbour)
{
	struct share_hop *hop = need->known ? need->known : new_hop(ledger, need, neighbour);

	if (hop)
		hop->references++;
	return hop;
}

static void put_hop(struct share_ledger *ledger, struct share_hop *hop)
{
	struct share_user *user;

	if (!hop || --hop->references)
		return;
	user = hop->key.user;
	user->used[SHARE_NEXT_HOPS]--;
	if (hop->neighbour != N_SHARES)
		user->used[hop->neighbour]--;
	HASH_DELETE(hh, ledger->hops, hop);
	free(hop);
}

static void put_hops(struct share_ledger *ledger, struct share_hop *hops[static 2])
{
	for (size_t i = 0; i < 2; i++) {
		put_hop(ledger, hops[i]);
		hops[i] = NULL;
	}
}

/* The next hops of a binding: to its peer, and to its client. */
struct needed {
	struct hop_need to_peer;
	struct hop_need to_client;
	bool are_equal;
};

/* They are looked up once: each time is a hash and a walk through memory. */
static struct needed needed_by(const struct share_ledger *ledger, struct share_user *user,
			       const struct turnpike_binding *binding)
{
	struct needed needed = {
		.to_peer = hop_need(ledger, user, &binding->relay, &binding->peer),
		.to_client = hop_need(ledger, user, &binding->server, &binding->client),
	};

	needed.are_equal =
		memcmp(&needed.to_peer.key, &needed.to_client.key, sizeof(needed.to_peer.key)) == 0;
	return needed;
}

static int get_hops(struct share_ledger *ledger, struct needed *needed, enum share neighbour,
		    struct share_hop *hops[static 2])
{
	hops[0] = get_hop(ledger, &needed->to_peer, neighbour);
	if (needed->are_equal)
		needed->to_client.known = hops[0];
	hops[1] = get_hop(ledger, &needed->to_client, N_SHARES);
	if (hops[0] && hops[1])
		return 0;
	put_hops(ledger, hops);
	return -ENOMEM;
}

int share_ledger_claim(struct share_ledger *ledger, struct share_user *user,
		       const struct turnpike_binding *binding, struct share_hop *hops[static 2],
		       enum share *ret)
{
	struct needed needed = needed_by(ledger, user, binding);
	uint32_t need[N_SHARES] = { 0 };
	enum share neighbour = N_SHARES;

	count_flows(binding, need);
	need[SHARE_NEXT_HOPS] += !needed.to_peer.known;
	need[SHARE_NEXT_HOPS] += !needed.are_equal && !needed.to_client.known;
	*ret = find_short(ledger, user, need);
	/* Last, because it may ask the kernel for the route. */
	if (*ret == N_SHARES && !needed.to_peer.known)
		neighbour = neighbour_of(ledger, &needed.to_peer.key);
	if (neighbour != N_SHARES && user->used[neighbour] >= ledger->limits[neighbour])
		*ret = neighbour;
	if (*ret != N_SHARES)
		return 0;
	if (get_hops(ledger, &needed, neighbour, hops))
		return -ENOMEM;
	user->used[SHARE_FLOWS_IPV4] += need[SHARE_FLOWS_IPV4];
	user->used[SHARE_FLOWS_IPV6] += need[SHARE_FLOWS_IPV6];
	return 0;
}

void share_ledger_return(struct share_ledger *ledger, struct share_user *user,
			 const struct turnpike_binding *binding, struct share_hop *hops[static 2])
{
	uint32_t had[N_SHARES] = { 0 };

	count_flows(binding, had);
	user->used[SHARE_FLOWS_IPV4] -= had[SHARE_FLOWS_IPV4];
	user->used[SHARE_FLOWS_IPV6] -= had[SHARE_FLOWS_IPV6];
	put_hops(ledger, hops);
}
