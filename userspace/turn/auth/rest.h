/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file rest.h
 * Time-limited usernames of "REST API for access to TURN services" (draft-uberti-behave-turn-rest):
 * TIME or TIME:NAME, with TIME in seconds of UNIX time, and a password derived from a shared
 * secret.
 */
#ifndef TURNPIKE_TURN_AUTH_REST_H
#define TURNPIKE_TURN_AUTH_REST_H

#include <stdbool.h>
#include <stdint.h>

/** Size of a password: the base64 of 20 bytes, and a NUL. */
#define TURN_REST_PASSWORD_SIZE 29

/**
 * turn_rest_parse() - parse a username
 * @expiry: TIME; the username is expired from that second on
 * @name:   NAME within @username, or all of @username if it has none
 *
 * Return: true, or false (results unset) if @username is not time-limited.
 */
bool turn_rest_parse(const char *username, uint64_t *expiry, const char **name);

/**
 * turn_rest_password() - derive the password of @username
 * @password: the result, NUL-terminated; the caller wipes it
 *
 * Return: 0, or -EIO if OpenSSL fails.
 */
int turn_rest_password(const char *secret, const char *username,
		       char password[static TURN_REST_PASSWORD_SIZE]);

#endif /* TURNPIKE_TURN_AUTH_REST_H */
