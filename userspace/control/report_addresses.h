/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report_addresses.h
 * The addresses of the server, as JSON.
 */
#ifndef TURNPIKE_CONTROL_REPORT_ADDRESSES_H
#define TURNPIKE_CONTROL_REPORT_ADDRESSES_H

#include <jansson.h>

#include "endpoints/endpoints.h"

/**
 * report_addresses() - {"listening": [ADDRESS...], "listening_tls": [ADDRESS...], "relays":
 * [{"address": ..., "external": ...}...], "not_served": [{"address": ..., "dev": ..., "missing":
 * whether it is configured, "why": ...}...]}
 */
json_t *report_addresses(const struct endpoints *endpoints);

#endif /* TURNPIKE_CONTROL_REPORT_ADDRESSES_H */
