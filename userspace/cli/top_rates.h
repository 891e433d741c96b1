/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file top_rates.h
 * What a server relays per second: by path, user and session.
 */
#ifndef TURNPIKE_CLI_TOP_RATES_H
#define TURNPIKE_CLI_TOP_RATES_H

#include <jansson.h>

/**
 * top_rates() - compare a sample with an earlier one
 * @now:    an object with the answers to "status", "stats" and "sessions" under these names
 * @before: likewise
 *
 * Return: a new document, see "top" in docs/json.md. Its users and sessions are sorted: those with
 * the most packets first.
 */
json_t *top_rates(json_t *now, json_t *before);

#endif /* TURNPIKE_CLI_TOP_RATES_H */
