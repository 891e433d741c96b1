/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "datapath/devices.h"
#include "serve/serve_devices.h"

static int add_device(const char *name, void *arg)
{
	struct serve_config *config = arg;
	struct serve_device device = { 0 };

	strcpy(device.name, name);
	return SERVE_CONFIG_APPEND(config, devices, &device);
}

static int add_devices_carrying(struct serve_config *config, const struct turnpike_addr *addr)
{
	int err = devices_carrying(addr, add_device, config);
	struct turnpike_addr ip = addr_without_port(addr);
	char text[ADDR_TEXT_MAX];

	if (err)
		log_error("no device found for %s: %s; name its device with --dev",
			  addr_format(&ip, text), strerror(-err));
	return err;
}

static int find_devices(struct serve_config *config)
{
	int err = 0;

	for (size_t i = 0; i < config->n_listen && !err; i++)
		err = add_devices_carrying(config, &config->listen[i]);
	for (size_t i = 0; i < config->n_listen_tls && !err; i++)
		err = add_devices_carrying(config, &config->listen_tls[i]);
	for (size_t i = 0; i < config->n_relays && !err; i++)
		err = add_devices_carrying(config, &config->relays[i].addr);
	return err;
}

static enum turnpike_mode mode_of(const struct serve_config *config,
				  const struct serve_device *device)
{
	return device->has_mode ? device->mode : config->mode;
}

enum turnpike_mode serve_devices_mode(const struct serve_config *config)
{
	enum turnpike_mode strictest = config->mode, mode;

	for (size_t i = 0; i < config->n_devices; i++) {
		mode = mode_of(config, &config->devices[i]);
		if (mode != TURNPIKE_MODE_AUTO && mode != TURNPIKE_MODE_USERSPACE)
			return mode;
		if (mode == TURNPIKE_MODE_AUTO)
			strictest = mode;
	}
	return strictest;
}

static int attach(const struct serve_config *config, struct datapath *datapath)
{
	int err = 0;

	for (size_t i = 0; i < config->n_devices && !err; i++) {
		const struct serve_device *device = &config->devices[i];
		const enum turnpike_mode mode = mode_of(config, device);
		TURNPIKE_OPTS(turnpike_attach_opts, opts, .mode = mode,
			      .moves = device->has_mode ? device->moves : config->moves);

		if (mode == TURNPIKE_MODE_TC)
			opts.hook = config->hook;
		err = datapath_attach(datapath, device->name, &opts);
	}
	return err;
}

int serve_devices_attach(const struct serve_config *config, struct datapath *datapath)
{
	/* A copy, because a reload compares the devices that were configured. */
	struct serve_config found = *config;
	int err;

	if (config->n_devices > 0)
		return attach(config, datapath);
	err = find_devices(&found);
	if (!err)
		err = attach(&found, datapath);
	free(found.devices);
	return err;
}
