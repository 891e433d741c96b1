/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/session_sums.h"

#include <stddef.h>
#include <stdio.h>

#include "cli/member.h"
#include "private/array_len.h"

static json_int_t count_of(const json_t *traffic, const char *direction, const char *unit)
{
	return member_integer(json_object_get(traffic, direction), unit);
}

json_int_t session_sum(const json_t *session, const char *path, const char *unit)
{
	const json_t *traffic = json_object_get(session, path);

	return count_of(traffic, "to_peer", unit) + count_of(traffic, "to_client", unit);
}

const char *session_key(const json_t *session, char key[static SESSION_KEY_MAX])
{
	snprintf(key, SESSION_KEY_MAX, "%lld", (long long)member_integer(session, "id"));
	return key;
}

void session_add_sums(json_t *row, const json_t *session)
{
	static const struct {
		const char *key;
		const char *path;
		const char *unit;
	} sums[] = { { "kernel_packets", "kernel", "packets" },
		     { "kernel_bytes", "kernel", "bytes" },
		     { "user_packets", "userspace", "packets" },
		     { "user_bytes", "userspace", "bytes" } };

	for (size_t i = 0; i < ARRAY_LEN(sums); i++)
		json_object_set_new(row, sums[i].key,
				    json_integer(session_sum(session, sums[i].path, sums[i].unit)));
}
