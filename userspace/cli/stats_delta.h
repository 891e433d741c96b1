/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stats_delta.h
 * What happened between two answers to "stats".
 */
#ifndef TURNPIKE_CLI_STATS_DELTA_H
#define TURNPIKE_CLI_STATS_DELTA_H

#include <jansson.h>

/**
 * stats_delta() - subtract one answer from a later one
 *
 * Return: a document of the same shape, which is the caller's, with the differences, with
 * "packets_per_second" and "bytes_per_second" in each verdict, without verdicts that did not
 * change, and with "seconds" in place of "uptime".
 */
json_t *stats_delta(json_t *now, json_t *before);

#endif /* TURNPIKE_CLI_STATS_DELTA_H */
