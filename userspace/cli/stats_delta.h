/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stats_delta.h
 * The difference between two answers to "stats".
 */
#ifndef TURNPIKE_CLI_STATS_DELTA_H
#define TURNPIKE_CLI_STATS_DELTA_H

#include <jansson.h>

/**
 * stats_delta() - subtract an answer from a later one
 *
 * Return: a new document of the same shape. Each verdict that changed has the differences and also
 * "packets_per_second" and "bytes_per_second"; "seconds" replaces "uptime".
 */
json_t *stats_delta(json_t *now, json_t *before);

#endif /* TURNPIKE_CLI_STATS_DELTA_H */
