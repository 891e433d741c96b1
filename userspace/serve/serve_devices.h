/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_devices.h
 * Which devices `turnpike serve` relays on, and how it begins to.
 */
#ifndef TURNPIKE_SERVE_SERVE_DEVICES_H
#define TURNPIKE_SERVE_SERVE_DEVICES_H

#include "config/serve_config.h"
#include "datapath/datapath.h"

/** serve_devices_mode() - the mode that is least willing to do without the kernel */
enum turnpike_mode serve_devices_mode(const struct serve_config *config);

/**
 * serve_devices_attach() - relay on all devices
 * @config: without devices, those are meant that carry the addresses
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int serve_devices_attach(const struct serve_config *config, struct datapath *datapath);

#endif /* TURNPIKE_SERVE_SERVE_DEVICES_H */
