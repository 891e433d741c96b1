/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_devices.h
 * Selects the devices of `turnpike serve`, and attaches to them.
 */
#ifndef TURNPIKE_SERVE_SERVE_DEVICES_H
#define TURNPIKE_SERVE_SERVE_DEVICES_H

#include "config/serve_config.h"
#include "datapath/datapath.h"

/** serve_devices_mode() - the strictest mode of all devices: a forced one before auto */
enum turnpike_mode serve_devices_mode(const struct serve_config *config);

/**
 * serve_devices_attach() - attach to all devices
 * @config: if it names no device, the devices that carry its addresses are used
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int serve_devices_attach(const struct serve_config *config, struct datapath *datapath);

#endif /* TURNPIKE_SERVE_SERVE_DEVICES_H */
