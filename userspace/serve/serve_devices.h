/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_devices.h
 * Selects the devices of `turnpike serve`, and attaches to them.
 */
#ifndef TURNPIKE_SERVE_SERVE_DEVICES_H
#define TURNPIKE_SERVE_SERVE_DEVICES_H

#include "config/serve_config.h"
#include "datapath/datapath.h"
#include "host/host_addresses.h"

/** serve_devices_mode() - the strictest mode of all devices: a forced one before auto */
enum turnpike_mode serve_devices_mode(const struct serve_config *config);

/** Bytes of the sentence of serve_devices_attach(). */
#define SERVE_DOUBT_MAX 512

/**
 * serve_devices_each() - call @fn for each device
 * @config:    names the devices
 * @endpoints: if @config names none, those by which packets of these addresses come in and leave
 * @host:      addresses of this host
 *
 * Return: 0, what @fn returned, or a negative errno after logging the error.
 */
int serve_devices_each(const struct serve_config *config, const struct endpoints *endpoints,
		       const struct host_addresses *host,
		       int (*fn)(const struct serve_device *device, void *arg), void *arg);

/**
 * serve_devices_attach() - attach to all devices, except those that are attached already
 * @doubt: a string; set to why the devices are uncertain, with the options to paste, unless @config
 *         names them. A change is logged
 *
 * The other parameters are those of serve_devices_each(). Errors are logged. Return: 0 or a
 * negative errno.
 */
int serve_devices_attach(const struct serve_config *config, const struct endpoints *endpoints,
			 const struct host_addresses *host, struct datapath *datapath,
			 char doubt[static SERVE_DOUBT_MAX]);

#endif /* TURNPIKE_SERVE_SERVE_DEVICES_H */
