/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/report_users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "control/session_json.h"
#include "control/sweep.h"
#include "private/hash.h"

/** Users in a piece of the answer. */
#define ROWS_MAX 256

/** struct user - the sums of the allocations of a user */
struct user {
	UT_hash_handle hh;
	uint64_t allocations;
	uint64_t relays;
	uint64_t flows;
	uint64_t kernel_flows;
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
	struct turn_traffic in_user_space[TURN_DIRECTIONS];
	char name[];
};

/**
 * struct users
 * @current: to which the next peers belong
 * @at:      the next one to write, once all are known
 */
struct users {
	struct sweep sweep;
	struct user *table;
	struct user *current;
	struct user *at;
	bool is_known;
	bool has_rows;
};

static struct user *user_of(struct users *users, const char *name)
{
	const size_t len = strlen(name);
	struct user *user;

	HASH_FIND_STR(users->table, name, user);
	if (user)
		return user;
	user = calloc(1, sizeof(*user) + len + 1);
	if (!user)
		return NULL;
	memcpy(user->name, name, len);
	HASH_ADD_STR(users->table, name, user);
	if (user->hh.tbl)
		return user;
	free(user);
	return NULL;
}

static int add_session(struct users *users, const struct turn_allocation_info *info)
{
	struct user *user = user_of(users, info->account);

	if (!user)
		return -ENOMEM;
	users->current = user;
	user->allocations++;
	user->relays += info->n_relays;
	counters_add(user->in_kernel, info->in_kernel, sizeof(user->in_kernel));
	counters_add(user->in_user_space, info->traffic, sizeof(user->in_user_space));
	return 0;
}

static int add_peer(struct users *users, const struct turn_peer_info *peer)
{
	struct flow_state states[TURN_DIRECTIONS];
	struct user *user = users->current;

	session_explain(users->sweep.source->datapath, peer, states);
	for (unsigned int i = 0; i < TURN_DIRECTIONS; i++) {
		user->flows++;
		user->kernel_flows += states[i].reason == REASON_NONE;
		counters_add(&user->in_kernel[i], &states[i].traffic, sizeof(states[i].traffic));
	}
	return 0;
}

static int add_batch(struct users *users)
{
	int err = 0;

	for (size_t i = 0; i < users->sweep.n && !err; i++) {
		const struct sweep_item *item = &users->sweep.items[i];

		err = item->is_peer ? add_peer(users, &item->peer)
				    : add_session(users, &item->session.info);
	}
	return err;
}

static json_t *row_of(const struct user *user)
{
	json_t *row = session_traffic_json(user->in_kernel, user->in_user_space);

	json_object_set_new(row, "user", json_string(user->name));
	json_object_set_new(row, "allocations", json_integer((json_int_t)user->allocations));
	json_object_set_new(row, "relays", json_integer((json_int_t)user->relays));
	json_object_set_new(row, "flows", json_integer((json_int_t)user->flows));
	json_object_set_new(row, "kernel_flows", json_integer((json_int_t)user->kernel_flows));
	return row;
}

static int write_rows(struct users *users, struct evbuffer *output)
{
	static const char head[] = "{\"users\":[", tail[] = "]}";
	int err = 0;

	if (!users->has_rows)
		evbuffer_add(output, head, sizeof(head) - 1);
	for (int n = 0; n < ROWS_MAX && users->at && !err; n++) {
		if (users->has_rows)
			evbuffer_add(output, ",", 1);
		users->has_rows = true;
		err = control_write(output, row_of(users->at));
		users->at = users->at->hh.next;
	}
	if (err || users->at)
		return err ? err : 1;
	evbuffer_add(output, tail, sizeof(tail) - 1);
	return 0;
}

/* All users are known only after the last allocation. */
static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct users *users = (struct users *)answer;
	enum sweep_result result;
	int err;

	while (!users->is_known) {
		result = sweep_next(&users->sweep);
		if (result == SWEEP_WAITS)
			return 1;
		err = add_batch(users);
		if (err)
			return err;
		users->is_known = result == SWEEP_COMPLETE;
		users->at = users->table;
	}
	return write_rows(users, output);
}

static void free_users(struct control_answer *answer)
{
	struct users *users = (struct users *)answer;
	struct user *user, *other;

	HASH_ITER(hh, users->table, user, other) {
		HASH_DEL(users->table, user);
		free(user);
	}
	free(users);
}

struct control_answer *report_users(void *arg, const json_t *request)
{
	struct users *users = sweep_new(sizeof(*users), arg, next, free_users);

	(void)request;
	if (!users)
		return NULL;
	sweep_begin(&users->sweep, NULL);
	return &users->sweep.answer;
}
