/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/report_sessions.h"

#include <string.h>

#include "base/counters.h"
#include "control/session_json.h"
#include "control/sweep.h"

/**
 * struct sessions - the list of sessions
 * @is_open:       its last row is incomplete, since further peers may come
 * @has_peers:     that row has some
 * @in_kernel:     of that row
 * @in_user_space: likewise
 */
struct sessions {
	struct sweep sweep;
	bool has_head;
	bool has_rows;
	bool is_open;
	bool has_peers;
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
	struct turn_traffic in_user_space[TURN_DIRECTIONS];
};

static void put(struct evbuffer *output, const char *text)
{
	evbuffer_add(output, text, strlen(text));
}

static int close_row(struct sessions *sessions, struct evbuffer *output)
{
	int err;

	if (!sessions->is_open)
		return 0;
	sessions->is_open = false;
	put(output, "],");
	err = control_write_members(
		output, session_traffic_json(sessions->in_kernel, sessions->in_user_space));
	put(output, "}");
	return err;
}

static int open_row(struct sessions *sessions, const struct turn_allocation_info *info,
		    struct evbuffer *output)
{
	int err;

	put(output, sessions->has_rows ? ",{" : "{");
	err = control_write_members(
		output, session_json(info, session_reason(info, sessions->sweep.max_pairs)));
	put(output, ",\"peers\":[");
	sessions->has_rows = sessions->is_open = true;
	sessions->has_peers = false;
	memcpy(sessions->in_kernel, info->in_kernel, sizeof(sessions->in_kernel));
	memcpy(sessions->in_user_space, info->traffic, sizeof(sessions->in_user_space));
	return err;
}

static int write_peer(struct sessions *sessions, const struct turn_peer_info *peer,
		      struct evbuffer *output)
{
	struct flow_state states[TURN_DIRECTIONS];

	session_explain(sessions->sweep.source->datapath, peer, states);
	for (unsigned int i = 0; i < TURN_DIRECTIONS; i++)
		counters_add(&sessions->in_kernel[i], &states[i].traffic,
			     sizeof(states[i].traffic));
	if (sessions->has_peers)
		put(output, ",");
	sessions->has_peers = true;
	return control_write(output, session_peer_json(peer, states));
}

static int write_item(struct sessions *sessions, const struct sweep_item *item,
		      struct evbuffer *output)
{
	int err;

	if (item->is_peer)
		return write_peer(sessions, &item->peer, output);
	err = close_row(sessions, output);
	return err ? err : open_row(sessions, &item->session.info, output);
}

static int write_batch(struct sessions *sessions, struct evbuffer *output)
{
	const struct sweep *sweep = &sessions->sweep;
	int err = 0;

	if (!sessions->has_head)
		put(output, "{\"sessions\":[");
	sessions->has_head = true;
	for (size_t i = 0; i < sweep->n && !err; i++)
		err = write_item(sessions, &sweep->items[i], output);
	return err;
}

static int write_end(struct sessions *sessions, struct evbuffer *output)
{
	int err = close_row(sessions, output);

	put(output, "],\"remedies\":");
	if (!err)
		err = control_write(output, session_remedies_json());
	put(output, "}");
	return err;
}

/* A batch without sessions gives no piece. */
static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct sessions *sessions = (struct sessions *)answer;
	enum sweep_result result;
	int err = 0;

	do {
		result = sweep_next(&sessions->sweep);
		if (result == SWEEP_WAITS)
			return 1;
		err = write_batch(sessions, output);
	} while (!err && result == SWEEP_BATCH_READY && !evbuffer_get_length(output));
	if (!err && result == SWEEP_COMPLETE)
		err = write_end(sessions, output);
	return err ? err : result == SWEEP_BATCH_READY;
}

struct control_answer *report_sessions(void *arg, const json_t *request)
{
	struct sessions *sessions = sweep_new(sizeof(*sessions), arg, next, sweep_free);

	if (!sessions)
		return NULL;
	if (session_filter_read(request, &sessions->sweep.filter)) {
		sweep_free(&sessions->sweep.answer);
		return NULL;
	}
	sweep_begin(&sessions->sweep, NULL);
	return &sessions->sweep.answer;
}
