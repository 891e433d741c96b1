/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/report_flows.h"

#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/clock.h"
#include "control/report.h"

/** A piece takes no further rows when it has that many bytes. */
#define PIECE_BYTES 32768
/**
 * Bindings, with two flows each, that are read while workers cannot bind. A flow takes a system
 * call, or three if it must be explained.
 */
#define BATCH 8

/** struct flows - the list of flows */
struct flows {
	struct control_answer answer;
	struct datapath_walk *walk;
	bool has_rows;
};

/** struct batch - flows that were read at once */
struct batch {
	struct turnpike_flow_info flows[2 * BATCH];
	size_t n;
};

static json_t *address(const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(addr, text));
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *seconds_until(uint64_t when)
{
	uint64_t now = clock_now();

	return number(when > now ? (when - now) / NS_PER_S : 0);
}

/* That of the client. In a hairpin, two clients may differ. */
static json_t *framing(const struct turnpike_flow_info *flow)
{
	const char *in = turnpike_framing_name(flow->framing);
	const char *out = turnpike_framing_name(flow->new_framing);

	if (flow->framing == TURNPIKE_FRAMING_NONE)
		return json_string(out);
	if (flow->new_framing == TURNPIKE_FRAMING_NONE || flow->new_framing == flow->framing)
		return json_string(in);
	return json_sprintf("%s to %s", in, out);
}

static json_t *row_of(const struct turnpike_flow_info *flow)
{
	json_t *row = json_object();

	json_object_set_new(row, "direction",
			    json_string(turnpike_direction_name(flow->direction)));
	json_object_set_new(row, "src", address(&flow->src));
	json_object_set_new(row, "dst", address(&flow->dst));
	json_object_set_new(row, "new_src", address(&flow->new_src));
	json_object_set_new(row, "new_dst", address(&flow->new_dst));
	json_object_set_new(row, "framing", framing(flow));
	json_object_set_new(row, "channel", number(flow->channel));
	json_object_set_new(row, "resolved", json_boolean(flow->resolved));
	json_object_set_new(row, "confirmed", json_boolean(flow->confirmed));
	json_object_set_new(row, "expires_in", seconds_until(flow->expires));
	json_object_set_new(row, "packets", number(flow->packets));
	json_object_set_new(row, "bytes", number(flow->bytes));
	json_object_set_new(row, "why", json_string(flow->why));
	return row;
}

static int collect(const struct turnpike_flow_info *flow, void *arg)
{
	struct batch *batch = arg;

	batch->flows[batch->n++] = *flow;
	return 0;
}

/* Rows are made without the lock of the datapath. */
static int write_rows(struct flows *flows, const struct batch *batch, struct evbuffer *output)
{
	int err = 0;

	for (size_t i = 0; i < batch->n && !err; i++) {
		if (flows->has_rows)
			evbuffer_add(output, ",", 1);
		flows->has_rows = true;
		err = control_write(output, row_of(&batch->flows[i]));
	}
	return err;
}

static int write_piece(struct flows *flows, struct evbuffer *output)
{
	struct batch batch;
	int err, more = 1;

	while (more && evbuffer_get_length(output) < PIECE_BYTES) {
		batch.n = 0;
		more = datapath_walk_next(flows->walk, BATCH, collect, &batch);
		err = write_rows(flows, &batch, output);
		if (err)
			return err;
	}
	return more;
}

static int next(struct control_answer *answer, struct evbuffer *output)
{
	static const char head[] = "{\"flows\":[", tail[] = "]}";
	struct flows *flows = (struct flows *)answer;
	int more;

	if (!flows->has_rows)
		evbuffer_add(output, head, sizeof(head) - 1);
	more = write_piece(flows, output);
	if (!more)
		evbuffer_add(output, tail, sizeof(tail) - 1);
	return more;
}

static void free_flows(struct control_answer *answer)
{
	struct flows *flows = (struct flows *)answer;

	datapath_walk_end(flows->walk);
	free(flows);
}

struct control_answer *report_flows(void *arg, const json_t *request)
{
	const struct report_source *source = arg;
	struct flows *flows = calloc(1, sizeof(*flows));

	(void)request;
	if (!flows)
		return NULL;
	flows->answer =
		(struct control_answer){ .next = next, .free = free_flows, .is_ready = true };
	if (datapath_walk_begin(source->datapath, &flows->walk)) {
		free(flows);
		return NULL;
	}
	return &flows->answer;
}
