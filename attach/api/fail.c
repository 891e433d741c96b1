/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "api/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <turnpike/version.h>

#include "handle.h"

/* For calls without a handle. */
static _Thread_local char thread_error[512];

int api_fail(struct turnpike *tp, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(tp ? tp->error : thread_error, sizeof(thread_error), format, args);
	va_end(args);
	errno = -err;
	return err;
}

int api_fail_opts(struct turnpike *tp, int err, const char *type)
{
	if (err == -E2BIG)
		return api_fail(
			tp, err,
			"%s has members that libturnpike " TURNPIKE_VERSION
			" does not know: leave them 0, or install the library that the program "
			"was built for",
			type);
	return api_fail(tp, err, "%s has no valid size: declare it with TURNPIKE_OPTS()", type);
}

int api_fail_load(int err, const char *sentence)
{
	if (sentence[0])
		return api_fail(NULL, err, "%s", sentence);
	switch (err) {
	case -EPERM:
		return api_fail(
			NULL, err,
			"cannot load BPF programs: not permitted, run as root or with CAP_BPF, "
			"CAP_NET_ADMIN and CAP_PERFMON");
	case -EPROTO:
		return api_fail(NULL, err,
				"the BPF programs are not of the library's version: rebuild both");
	case -E2BIG: /* turnpike_open() documents this for unknown members of its options */
	case -ENOMEM:
		return api_fail(
			NULL, -ENOMEM,
			"cannot create the BPF maps: choose a smaller max_flows, max_nexthops or "
			"max_policers");
	default:
		return api_fail(NULL, err, "cannot load BPF programs: %s", strerror(-err));
	}
}

const char *turnpike_error(const struct turnpike *tp)
{
	return tp ? tp->error : thread_error;
}
