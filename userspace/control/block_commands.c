/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/block_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/sweep.h"
#include "process/blocks.h"

/**
 * struct block_request - a request about blocks
 * @sweep: only a block visits allocations, to end them
 * @block: what it is about
 * @list:  the answer to "blocked"; NULL with other requests
 * @err:   of the change
 */
struct block_request {
	struct sweep sweep;
	struct block block;
	json_t *list;
	int err;
};

static const char *error_text(int err)
{
	switch (err) {
	case -ENOENT:
		return "this user or prefix is not blocked: see 'turnpike blocked'";
	case -ENOSPC:
		return "too many blocks: unblock some, or use --deny-client";
	default:
		return strerror(-err);
	}
}

static json_t *answer_of(struct block_request *request)
{
	if (request->err)
		return json_pack("{s:s}", "error", error_text(request->err));
	if (request->list)
		return json_pack("{s:O}", "blocked", request->list);
	return json_pack("{s:I}", "ended", (json_int_t)request->sweep.n_ended);
}

static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct block_request *request = (struct block_request *)answer;

	if (sweep_to_end(&request->sweep) == SWEEP_WAITS)
		return 1;
	return control_write(output, answer_of(request));
}

static void free_request(struct control_answer *answer)
{
	json_decref(((struct block_request *)answer)->list);
	sweep_free(answer);
}

static int read_prefix(const json_t *value, struct block_request *request)
{
	struct addr_cidr *prefix = &request->block.prefix;
	const char *text = json_string_value(value);

	if (!text || addr_cidr_parse(text, prefix))
		return -EINVAL;
	request->sweep.filter.prefix = *prefix;
	return 0;
}

/* Either a user or a prefix. */
static int read_target(const json_t *json, struct block_request *request)
{
	const json_t *prefix = json_object_get(json, "prefix");
	struct session_filter *filter = &request->sweep.filter;
	int err = session_filter_read(json, filter);

	if (!err && prefix)
		err = read_prefix(prefix, request);
	if (err || filter->id || filter->client.family || !*filter->user == !prefix)
		return -EINVAL;
	strcpy(request->block.user, filter->user);
	return 0;
}

static int read_seconds(const json_t *json, struct block_request *request)
{
	const json_t *seconds = json_object_get(json, "seconds");
	const json_int_t value = json_integer_value(seconds);

	request->block.until = TURN_NEVER;
	if (!seconds)
		return 0;
	if (value <= 0 || value > UINT32_MAX)
		return -EINVAL;
	request->block.until = clock_now() + (uint64_t)value * NS_PER_S;
	return 0;
}

static struct block_request *new_request(const struct report_source *source)
{
	return sweep_new(sizeof(struct block_request), source, next, free_request);
}

static struct control_answer *begin(struct block_request *request, void (*first)(void *request))
{
	sweep_begin(&request->sweep, first);
	return &request->sweep.answer;
}

static void add(void *arg)
{
	struct block_request *request = arg;

	request->err = blocks_add(request->sweep.source->blocks, &request->block);
	request->sweep.is_cancelled = request->err;
}

/* Connections without an allocation. */
static void end_connections(struct sweep *sweep, struct turn_io *io)
{
	(void)sweep;
	turn_io_end_denied(io);
}

struct control_answer *begin_block(void *source, const json_t *json)
{
	struct block_request *request = new_request(source);

	if (!request)
		return NULL;
	if (read_target(json, request) || read_seconds(json, request)) {
		free_request(&request->sweep.answer);
		return NULL;
	}
	request->sweep.ends = "blocked";
	if (!*request->block.user)
		request->sweep.at_end = end_connections;
	return begin(request, add);
}

static void remove_block(void *arg)
{
	struct block_request *request = arg;

	request->err = blocks_remove(request->sweep.source->blocks, &request->block);
}

struct control_answer *begin_unblock(void *source, const json_t *json)
{
	struct block_request *request = new_request(source);

	if (!request)
		return NULL;
	if (read_target(json, request)) {
		free_request(&request->sweep.answer);
		return NULL;
	}
	request->sweep.is_cancelled = true;
	return begin(request, remove_block);
}

static json_t *prefix_json(const struct addr_cidr *prefix)
{
	char text[ADDR_TEXT_MAX];

	return json_sprintf("%s/%u", addr_format(&prefix->addr, text), prefix->prefix);
}

static json_t *row_of(const struct block *block, uint64_t now)
{
	const uint64_t left = block->until > now ? (block->until - now) / NS_PER_S : 0;
	json_t *row = json_object();

	if (*block->user)
		json_object_set_new(row, "user", json_string(block->user));
	else
		json_object_set_new(row, "prefix", prefix_json(&block->prefix));
	json_object_set_new(row, "expires_in",
			    block->until == TURN_NEVER ? json_null()
						       : json_integer((json_int_t)left));
	return row;
}

static void list(void *arg)
{
	struct block_request *request = arg;
	const uint64_t now = clock_now();
	size_t n;
	const struct block *blocks = blocks_list(request->sweep.source->blocks, &n);

	request->list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(request->list, row_of(&blocks[i], now));
}

struct control_answer *begin_blocked(void *source, const json_t *json)
{
	struct block_request *request = new_request(source);

	(void)json;
	if (!request)
		return NULL;
	request->sweep.is_cancelled = true;
	return begin(request, list);
}
