/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "datapath/devices.h"
#include "serve/serve_devices.h"

/** struct found - devices that carry addresses */
struct found {
	struct serve_device *list;
	size_t n;
};

static int add_device(const char *name, void *arg)
{
	struct serve_device device = { 0 };
	struct found *found = arg;
	void *grown;

	strcpy(device.name, name);
	grown = array_append(found->list, &found->n, &device, sizeof(device));
	if (!grown)
		return -ENOMEM;
	found->list = grown;
	return 0;
}

static int add_devices_carrying(struct found *found, const struct turnpike_addr *addr)
{
	int err = devices_carrying(addr, add_device, found);
	struct turnpike_addr ip = addr_without_port(addr);
	char text[ADDR_TEXT_MAX];

	if (err)
		log_error("no device found for %s: %s; name its device with --dev",
			  addr_format(&ip, text), strerror(-err));
	return err;
}

static int find_devices(const struct endpoints *endpoints, struct found *found)
{
	int err = 0;

	for (size_t i = 0; i < endpoints->n_plain && !err; i++)
		err = add_devices_carrying(found, &endpoints->plain[i]);
	for (size_t i = 0; i < endpoints->n_secure && !err; i++)
		err = add_devices_carrying(found, &endpoints->secure[i]);
	for (size_t i = 0; i < endpoints->n_relays && !err; i++)
		err = add_devices_carrying(found, &endpoints->relays[i].addr);
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

static int note_device(const struct turnpike_status *status, void *arg)
{
	struct found *attached = arg;

	return add_device(status->dev, attached);
}

static bool is_attached(const struct found *attached, const struct serve_device *device)
{
	for (size_t i = 0; i < attached->n; i++) {
		if (strcmp(attached->list[i].name, device->name) == 0)
			return true;
	}
	return false;
}

static int attach(const struct serve_config *config, const struct serve_device *device,
		  struct datapath *datapath)
{
	const enum turnpike_mode mode = mode_of(config, device);
	TURNPIKE_OPTS(turnpike_attach_opts, opts, .mode = mode,
		      .moves = device->has_mode ? device->moves : config->moves);

	if (mode == TURNPIKE_MODE_TC)
		opts.hook = config->hook;
	return datapath_attach(datapath, device->name, &opts);
}

/** struct attaching - @attached: devices that the datapath has */
struct attaching {
	const struct serve_config *config;
	struct datapath *datapath;
	struct found attached;
};

static int attach_new(const struct serve_device *device, void *arg)
{
	struct attaching *attaching = arg;

	if (is_attached(&attaching->attached, device))
		return 0;
	return attach(attaching->config, device, attaching->datapath);
}

int serve_devices_each(const struct serve_config *config, const struct endpoints *endpoints,
		       int (*fn)(const struct serve_device *device, void *arg), void *arg)
{
	struct found found = { 0 };
	int err = 0;

	if (config->n_devices == 0)
		err = find_devices(endpoints, &found);
	for (size_t i = 0; i < config->n_devices && !err; i++)
		err = fn(&config->devices[i], arg);
	for (size_t i = 0; i < found.n && !err; i++)
		err = fn(&found.list[i], arg);
	free(found.list);
	return err;
}

int serve_devices_attach(const struct serve_config *config, const struct endpoints *endpoints,
			 struct datapath *datapath)
{
	struct attaching attaching = { .config = config, .datapath = datapath };
	int err = datapath_for_each_device(datapath, note_device, &attaching.attached);

	if (!err)
		err = serve_devices_each(config, endpoints, attach_new, &attaching);
	free(attaching.attached.list);
	return err;
}
