/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file member.h
 * Members of JSON objects that may be missing, or of another type.
 */
#ifndef TURNPIKE_CLI_MEMBER_H
#define TURNPIKE_CLI_MEMBER_H

#include <jansson.h>

/** member_text() - a string; "" if there is none */
static inline const char *member_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/** member_integer() - an integer; 0 if there is none */
static inline json_int_t member_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

#endif /* TURNPIKE_CLI_MEMBER_H */
