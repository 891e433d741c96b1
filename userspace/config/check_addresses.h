/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file check_addresses.h
 * Checks the configured addresses for their use, as far as that does not depend on the host.
 */
#ifndef TURNPIKE_CONFIG_CHECK_ADDRESSES_H
#define TURNPIKE_CONFIG_CHECK_ADDRESSES_H

#include "config/serve_config.h"

/** check_addresses() - check listeners, relay addresses, public addresses and alternate servers */
enum cli_status check_addresses(const struct serve_config *config);

#endif /* TURNPIKE_CONFIG_CHECK_ADDRESSES_H */
