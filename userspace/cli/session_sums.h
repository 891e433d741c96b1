/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CLI_SESSION_SUMS_H
#define TURNPIKE_CLI_SESSION_SUMS_H

#include <jansson.h>

/**
 * session_sum() - what was relayed of a session, or for a user, in both directions
 * @path: "kernel" or "userspace"
 * @unit: "packets" or "bytes"
 */
json_int_t session_sum(const json_t *session, const char *path, const char *unit);

/** Room for the text of a session's id. */
#define SESSION_KEY_MAX 24

/** session_key() - the id of a session, as the key of an object; Return: @key */
const char *session_key(const json_t *session, char key[static SESSION_KEY_MAX]);

/** session_add_sums() - add all of them to the row of a table, as kernel_packets and so on */
void session_add_sums(json_t *row, const json_t *session);

#endif /* TURNPIKE_CLI_SESSION_SUMS_H */
