/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file rest.h
 * Time-limited usernames of "REST API for access to TURN services" (draft-uberti-behave-turn-rest):
 * TIME, or TIME:NAME, with TIME in seconds of UNIX time, and a password that a shared secret gives.
 */
#ifndef TURNPIKE_TURN_AUTH_REST_H
#define TURNPIKE_TURN_AUTH_REST_H

#include <stdbool.h>
#include <stdint.h>

/** Bytes of a password: the base64 of 20 bytes, and a NUL. */
#define TURN_REST_PASSWORD_SIZE 29

/**
 * turn_rest_parse() - take a username apart
 * @expiry: when it expires; from that second on it is worth nothing
 * @name:   NAME, in @username, or all of it if it has none
 *
 * Return: whether @username is time-limited; else nothing is set.
 */
bool turn_rest_parse(const char *username, uint64_t *expiry, const char **name);

/**
 * turn_rest_password() - the password that belongs to @username
 * @password: terminated; the caller wipes it
 *
 * Return: 0, or -EIO if the library fails.
 */
int turn_rest_password(const char *secret, const char *username,
		       char password[static TURN_REST_PASSWORD_SIZE]);

#endif /* TURNPIKE_TURN_AUTH_REST_H */
