/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file who.h
 * The words of a command line that say whose sessions it is about.
 */
#ifndef TURNPIKE_CLI_WHO_H
#define TURNPIKE_CLI_WHO_H

#include <jansson.h>
#include <stdbool.h>

/**
 * struct who - @key: of the request: "user", "client" or "id"; NULL: all of them
 * @value: NULL: it is missing
 */
struct who {
	const char *key;
	const char *value;
};

/** who_take_word() - take the next of the words "user NAME", "client ADDR" or "id ID" */
int who_take_word(struct who *who, const char *word);

/** who_take_word_or_user() - the same, but a first word that is none of these is the name of a user
 */
int who_take_word_or_user(struct who *who, const char *word);

/** who_is_incomplete() - whether the last word is missing */
bool who_is_incomplete(const struct who *who);

/** who_request() - a request about it, for query_send() */
json_t *who_request(const struct who *who, const char *command);

#endif /* TURNPIKE_CLI_WHO_H */
