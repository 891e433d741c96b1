/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Devices and their modes. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "datapath/handle.h"

static int note_mode(const struct turnpike_status *status, void *arg)
{
	bool *is_relaying = arg;

	*is_relaying |= status->mode != TURNPIKE_MODE_USERSPACE;
	return 0;
}

static void set_relaying(struct datapath *datapath, bool is_relaying)
{
	datapath->is_relaying = is_relaying;
	if (datapath->binder) {
		pthread_mutex_lock(&datapath->lock);
		binder_set_idle(datapath->binder, !is_relaying);
		pthread_mutex_unlock(&datapath->lock);
	}
	if (datapath->on_change)
		datapath->on_change(datapath->on_change_arg);
}

void modes_update(struct datapath *datapath)
{
	bool is_relaying = false;

	datapath_for_each_device(datapath, note_mode, &is_relaying);
	if (is_relaying != datapath->is_relaying)
		set_relaying(datapath, is_relaying);
}

void modes_log_change(const struct turnpike_change *change, void *arg)
{
	const struct turnpike_status *from = change->from, *to = change->to;

	(void)arg;
	if (from->changes == to->changes) {
		log_at(LOG_WARNING, "%s: mode %s: %s", to->dev, turnpike_mode_name(to->mode),
		       to->why);
		return;
	}
	log_at(LOG_INFO, "%s: from %s/%s to %s/%s (change %u): %s", to->dev,
	       turnpike_mode_name(from->mode), turnpike_moves_name(from->moves),
	       turnpike_mode_name(to->mode), turnpike_moves_name(to->moves), to->changes, to->why);
}

static int list_in_user_space(struct datapath *datapath, const char *device)
{
	struct turnpike_status status = {
		.ifindex = if_nametoindex(device),
		.mode = TURNPIKE_MODE_USERSPACE,
		.moves = TURNPIKE_MOVES_AUTO,
		.hook = TURNPIKE_HOOK_NONE,
	};
	struct turnpike_status *grown;

	if (!status.ifindex) {
		log_error("no such device: %s; see 'ip link'", device);
		return -ENODEV;
	}
	grown = reallocarray(datapath->devices, datapath->n_devices + 1, sizeof(*grown));
	if (!grown) {
		log_error("out of memory");
		return -ENOMEM;
	}
	snprintf(status.dev, sizeof(status.dev), "%s", device);
	memcpy(status.why, datapath->why_not, sizeof(status.why));
	grown[datapath->n_devices++] = status;
	datapath->devices = grown;
	return 0;
}

int datapath_attach(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts)
{
	int err;

	pthread_mutex_lock(&datapath->lock);
	if (!datapath->tp)
		err = list_in_user_space(datapath, device);
	else
		err = turnpike_attach(datapath->tp, device, opts);
	if (err && datapath->tp)
		log_error("%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	modes_update(datapath);
	return err;
}

/* A status is valid only in its callback, which must not change modes. */
struct names {
	const char *only; /* NULL: all */
	char (*list)[IFNAMSIZ];
	size_t n;
};

static int collect_name(const struct turnpike_status *status, void *arg)
{
	struct names *names = arg;
	void *grown;

	if (names->only && strcmp(names->only, status->dev) != 0)
		return 0;
	grown = reallocarray(names->list, names->n + 1, sizeof(*names->list));
	if (!grown)
		return -ENOMEM;
	names->list = grown;
	memcpy(names->list[names->n++], status->dev, sizeof(status->dev));
	return 0;
}

static int log_switched(const struct turnpike_status *status, void *arg)
{
	const char *device = arg;

	if (strcmp(status->dev, device) == 0)
		log_at(LOG_INFO, "%s: now mode %s, moves %s, hook %s: %s", status->dev,
		       turnpike_mode_name(status->mode), turnpike_moves_name(status->moves),
		       turnpike_hook_name(status->hook), status->why);
	return 0;
}

static int switch_all(struct datapath *datapath, const struct names *names,
		      const struct turnpike_attach_opts *opts)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		err = turnpike_switch(datapath->tp, names->list[i], opts);
		if (err)
			log_error("%s", turnpike_error(datapath->tp));
		else
			turnpike_for_each_device(datapath->tp, log_switched,
						 (void *)names->list[i]);
	}
	return err;
}

static int switch_named(struct datapath *datapath, const char *device,
			const struct turnpike_attach_opts *opts)
{
	struct names names = { .only = device };
	int err = turnpike_for_each_device(datapath->tp, collect_name, &names);

	if (!err && names.n)
		err = switch_all(datapath, &names, opts);
	else if (!err)
		err = turnpike_switch(datapath->tp, device ? device : "", opts);
	free(names.list);
	return err;
}

/* Without the library, all devices stay there. */
static int keep_in_user_space(const struct datapath *datapath, const char *device,
			      enum turnpike_mode mode)
{
	bool is_known = !device;

	for (size_t i = 0; i < datapath->n_devices && !is_known; i++)
		is_known = strcmp(datapath->devices[i].dev, device) == 0;
	return is_known && mode == TURNPIKE_MODE_USERSPACE ? 0 : -EOPNOTSUPP;
}

int datapath_switch(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts)
{
	int err;

	if (!datapath->tp)
		return keep_in_user_space(datapath, device, opts->mode);
	pthread_mutex_lock(&datapath->lock);
	err = switch_named(datapath, device, opts);
	snprintf(datapath->error, sizeof(datapath->error), "%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	modes_update(datapath);
	return err;
}

bool datapath_is_relaying(const struct datapath *datapath)
{
	return datapath->is_relaying;
}

void datapath_on_change(struct datapath *datapath, void (*fn)(void *arg), void *arg)
{
	datapath->on_change = fn;
	datapath->on_change_arg = arg;
}

const char *datapath_error(const struct datapath *datapath)
{
	return datapath->error;
}
