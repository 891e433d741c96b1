/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file probe_json.h
 * The result of a probe as JSON.
 */
#ifndef TURNPIKE_CLI_PROBE_JSON_H
#define TURNPIKE_CLI_PROBE_JSON_H

#include <jansson.h>
#include <turnpike/probe.h>

/** probe_json() - facts and plan of one device; NULL if memory is exhausted */
json_t *probe_json(const struct turnpike_probe_result *probe);

#endif /* TURNPIKE_CLI_PROBE_JSON_H */
