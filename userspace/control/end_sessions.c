/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/end_sessions.h"

#include <stdlib.h>

#include "control/sweep.h"

/* Nobody can go meanwhile: nothing is written before the end. */
static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct sweep *sweep = (struct sweep *)answer;
	enum sweep_result result;

	do {
		result = sweep_next(sweep);
	} while (result == SWEEP_BATCH_READY);
	if (result == SWEEP_WAITS)
		return 1;
	return control_write(output, json_pack("{s:I}", "ended", (json_int_t)sweep->n_ended));
}

static void free_sweep(struct control_answer *answer)
{
	free(answer);
}

/* Nothing ends by a request that forgot to say whose. */
struct control_answer *end_sessions(void *arg, const json_t *request)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		return NULL;
	sweep->source = arg;
	sweep->ends = "kicked";
	sweep->answer.next = next;
	sweep->answer.free = free_sweep;
	if (session_filter_read(request, &sweep->filter) ||
	    session_filter_is_empty(&sweep->filter)) {
		free(sweep);
		return NULL;
	}
	sweep_begin(sweep, NULL);
	return &sweep->answer;
}
