/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CLI_STATUS_DETAILS_H
#define TURNPIKE_CLI_STATUS_DETAILS_H

#include <jansson.h>

/** status_print_devices() - print the devices of an answer to "status", with their modes and why */
void status_print_devices(const json_t *status);

/** status_print_details() - print privileges, limits, shares and totals of it */
void status_print_details(const json_t *status);

#endif /* TURNPIKE_CLI_STATUS_DETAILS_H */
