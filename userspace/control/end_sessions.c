/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/end_sessions.h"

#include "control/sweep.h"

/* Nobody can go meanwhile: nothing is written before the end. */
static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct sweep *sweep = (struct sweep *)answer;

	if (sweep_to_end(sweep) == SWEEP_WAITS)
		return 1;
	return control_write(output, json_pack("{s:I}", "ended", (json_int_t)sweep->n_ended));
}

/* Nothing ends by a request that forgot to say whose. */
struct control_answer *end_sessions(void *arg, const json_t *request)
{
	struct sweep *sweep = sweep_new(sizeof(*sweep), arg, next, sweep_free);

	if (!sweep)
		return NULL;
	sweep->ends = "kicked";
	if (session_filter_read(request, &sweep->filter) ||
	    session_filter_is_empty(&sweep->filter)) {
		sweep_free(&sweep->answer);
		return NULL;
	}
	sweep_begin(sweep, NULL);
	return &sweep->answer;
}
