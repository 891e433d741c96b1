/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file handle.h
 * The contents of a datapath, private to this room.
 */
#ifndef TURNPIKE_DATAPATH_HANDLE_H
#define TURNPIKE_DATAPATH_HANDLE_H

#include <pthread.h>

#include "datapath/datapath.h"

/**
 * struct datapath
 * @tp:          NULL: everything is relayed in user space
 * @binder:      NULL without @tp
 * @lock:        protects @tp, which allows one thread at a time
 * @error:       see datapath_error()
 * @why_not:     why there is no @tp
 * @devices:     only without @tp
 */
struct datapath {
	struct turnpike *tp;
	struct binder *binder;
	pthread_mutex_t lock;
	struct limits *limits;
	bool is_relaying;
	void (*on_change)(void *arg);
	void *on_change_arg;
	struct event *readable;
	struct event *tick;
	char error[sizeof(((struct turnpike_status *)NULL)->why)];
	char why_not[sizeof(((struct turnpike_status *)NULL)->why)];
	struct turnpike_status *devices;
	size_t n_devices;
};

/** modes_update() - look whether any device relays in the kernel, and tell whoever wants to know */
void modes_update(struct datapath *datapath);

/** modes_log_change() - see turnpike_on_change() */
void modes_log_change(const struct turnpike_change *change, void *arg);

#endif /* TURNPIKE_DATAPATH_HANDLE_H */
