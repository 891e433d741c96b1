/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opening and closing a handle, and being the helper of another process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/fail.h"
#include "base/opts.h"
#include "handle.h"
#include "hooks/mark.h"

__u32 turnpike_version(void)
{
	return TURNPIKE_VERSION_NUM;
}

static const char *contradiction_of_open(const struct turnpike_open_opts *opts)
{
	if (opts->confirm_ms > TURNPIKE_CONFIRM_MAX_MS && opts->confirm_ms != TURNPIKE_CONFIRM_OFF)
		return "confirm_ms is above an hour: choose less, or TURNPIKE_CONFIRM_OFF";
	if (opts->connection < 0 || (opts->connection && opts->helper))
		return "a handle has one helper at most: leave helper NULL, or connection 0";
	return NULL;
}

/* The connection is the handle's, also if there is none. */
static int refuse(const struct turnpike_open_opts *opts, int err, const char *sentence)
{
	if (opts->connection > 0)
		close(opts->connection);
	return api_fail(NULL, err, "%s", sentence);
}

static int open_handle(const struct turnpike_open_opts *opts, struct turnpike **ret)
{
	struct turnpike *tp = calloc(1, sizeof(*tp));
	char sentence[sizeof(tp->error)];
	int err;

	if (!tp)
		return refuse(opts, -ENOMEM, "out of memory");
	tp->timer = tp->epoll = -1;
	tp->maps = MAPS_NONE;
	mark_set_user(opts->run_as ? opts->run_as : geteuid());
	tp->privileged = PRIVILEGED_NONE;
	tp->devices.watch = -1;
	err = handle_open(tp, opts);
	if (err) {
		strcpy(sentence, tp->error);
		handle_close(tp);
		return api_fail_load(err, sentence);
	}
	*ret = tp;
	return 0;
}

int turnpike_open(const struct turnpike_open_opts *opts, struct turnpike **ret)
{
	TURNPIKE_OPTS(turnpike_open_opts, own);
	const char *sentence;
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_open_opts, helper_arg), opts);

	if (err)
		return api_fail_opts(NULL, err, "turnpike_open_opts");
	sentence = contradiction_of_open(&own);
	return sentence ? refuse(&own, -EINVAL, sentence) : open_handle(&own, ret);
}

static int explain_serve(int err)
{
	switch (err) {
	case -EXDEV:
		return api_fail(
			NULL, err,
			"the program is in another network namespace than its helper: start "
			"both in the same one");
	case -EBADMSG:
		return api_fail(NULL, err,
				"the program has sent what libturnpike " TURNPIKE_VERSION
				" does not know: everything is detached");
	default:
		return api_fail(NULL, err, "cannot serve as a helper: %s", strerror(-err));
	}
}

int turnpike_helper_serve(int connection, const struct turnpike_helper_opts *opts)
{
	TURNPIKE_OPTS(turnpike_helper_opts, own);
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_helper_opts, arg), opts);

	if (err) {
		close(connection);
		return api_fail_opts(NULL, err, "turnpike_helper_opts");
	}
	err = handle_serve(connection, &own);
	return err ? explain_serve(err) : 0;
}

const struct turnpike_helper_info *turnpike_helper(struct turnpike *tp)
{
	tp->helper.lost = tp->privileged.lost;
	return tp->helper.pid ? &tp->helper : NULL;
}

void turnpike_close(struct turnpike *tp)
{
	if (tp)
		handle_close(tp);
}
