/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_devices.h"
#include "serve/serve_devices.h"

enum turnpike_mode serve_devices_mode(const struct serve_config *config)
{
	enum turnpike_mode strictest = config->mode, mode;

	for (size_t i = 0; i < config->n_devices; i++) {
		mode = serve_config_mode(config, &config->devices[i]);
		if (mode != TURNPIKE_MODE_AUTO && mode != TURNPIKE_MODE_USERSPACE)
			return mode;
		if (mode == TURNPIKE_MODE_AUTO)
			strictest = mode;
	}
	return strictest;
}

/* Of listeners and relays. */
static struct turnpike_addr *list_addresses(const struct endpoints *endpoints, size_t *n)
{
	const size_t n_listen = endpoints->n_plain + endpoints->n_secure;
	struct turnpike_addr *list = calloc(n_listen + endpoints->n_relays + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < endpoints->n_plain; i++)
		list[(*n)++] = endpoints->plain[i];
	for (size_t i = 0; list && i < endpoints->n_secure; i++)
		list[(*n)++] = endpoints->secure[i];
	for (size_t i = 0; list && i < endpoints->n_relays; i++)
		list[(*n)++] = endpoints->relays[i].addr;
	return list;
}

/* Logs errors. */
static int find(const struct endpoints *endpoints, const struct host_addresses *host,
		struct host_devices *found)
{
	size_t n;
	struct turnpike_addr *addrs = list_addresses(endpoints, &n);
	const int err = addrs ? host_devices_find(host, addrs, n, found) : -ENOMEM;

	free(addrs);
	if (err)
		log_error("cannot find the devices of the server: %s; name them with --dev",
			  strerror(-err));
	return err;
}

static int each_found(const struct host_devices *found,
		      int (*fn)(const struct serve_device *device, void *arg), void *arg)
{
	int err = 0;

	for (size_t i = 0; i < found->n && !err; i++) {
		struct serve_device device = { 0 };

		strcpy(device.name, found->list[i].name);
		if (found->list[i].use != HOST_DEVICE_ASIDE)
			err = fn(&device, arg);
	}
	return err;
}

static int each_named(const struct serve_config *config,
		      int (*fn)(const struct serve_device *device, void *arg), void *arg)
{
	int err = 0;

	for (size_t i = 0; i < config->n_devices && !err; i++)
		err = fn(&config->devices[i], arg);
	return err;
}

int serve_devices_each(const struct serve_config *config, const struct endpoints *endpoints,
		       const struct host_addresses *host,
		       int (*fn)(const struct serve_device *device, void *arg), void *arg)
{
	struct host_devices found;
	int err;

	if (config->n_devices > 0)
		return each_named(config, fn, arg);
	err = find(endpoints, host, &found);
	if (err)
		return err;
	err = each_found(&found, fn, arg);
	host_devices_free(&found);
	return err;
}

/** struct attaching - the argument of attach_new() */
struct attaching {
	const struct serve_config *config;
	struct datapath *datapath;
};

/** struct lookup - whether a device is attached */
struct lookup {
	const char *name;
	bool found;
};

static int compare(const struct turnpike_status *status, void *arg)
{
	struct lookup *lookup = arg;

	lookup->found |= strcmp(status->dev, lookup->name) == 0;
	return 0;
}

static enum turnpike_hook hook_for(const struct serve_config *config, enum turnpike_mode mode)
{
	if (mode == TURNPIKE_MODE_TC)
		return config->hook;
	if (config->xdp_dispatcher && mode != TURNPIKE_MODE_USERSPACE)
		return TURNPIKE_HOOK_DISPATCHER;
	return TURNPIKE_HOOK_AUTO;
}

static int attach_new(const struct serve_device *device, void *arg)
{
	const struct attaching *attaching = arg;
	const struct serve_config *config = attaching->config;
	const enum turnpike_mode mode = serve_config_mode(config, device);
	TURNPIKE_OPTS(turnpike_attach_opts, opts, .mode = mode,
		      .moves = device->has_mode ? device->moves : config->moves);
	struct lookup lookup = { .name = device->name };

	datapath_for_each_device(attaching->datapath, compare, &lookup);
	if (lookup.found)
		return 0;
	opts.hook = hook_for(config, mode);
	return datapath_attach(attaching->datapath, device->name, &opts);
}

static void note_doubt(const struct host_devices *found, char doubt[static SERVE_DOUBT_MAX])
{
	char text[SERVE_DOUBT_MAX];

	host_devices_doubt(found, text, sizeof(text));
	if (*text && strcmp(text, doubt) != 0)
		log_at(LOG_INFO, "%s", text);
	strcpy(doubt, text);
}

int serve_devices_attach(const struct serve_config *config, const struct endpoints *endpoints,
			 const struct host_addresses *host, struct datapath *datapath,
			 char doubt[static SERVE_DOUBT_MAX])
{
	struct attaching attaching = { config, datapath };
	struct host_devices found;
	int err;

	if (config->n_devices > 0)
		return each_named(config, attach_new, &attaching);
	err = find(endpoints, host, &found);
	if (err)
		return err;
	note_doubt(&found, doubt);
	err = each_found(&found, attach_new, &attaching);
	host_devices_free(&found);
	return err;
}
