/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CLI_STATUS_NOTES_H
#define TURNPIKE_CLI_STATUS_NOTES_H

#include <jansson.h>

/**
 * status_notes() - what an operator should know of an answer to "status", or do about it
 *
 * Return: an array of sentences without full stops; empty: all is well.
 */
json_t *status_notes(const json_t *status);

/** status_fullest_table() - the name of the kernel's table with the least room; NULL: there is none
 */
const char *status_fullest_table(const json_t *status, json_t **table);

#endif /* TURNPIKE_CLI_STATUS_NOTES_H */
