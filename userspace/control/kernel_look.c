/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/kernel_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int add_count(const struct turnpike_count *count, void *arg)
{
	struct kernel_look *look = arg;
	struct kernel_count *grown = reallocarray(look->counts, look->n_counts + 1, sizeof(*grown));
	struct kernel_count *added;

	if (!grown)
		return -ENOMEM;
	look->counts = grown;
	added = &grown[look->n_counts++];
	*added = (struct kernel_count){ .mode = count->mode,
					.direction = count->direction,
					.verdict = count->verdict,
					.traffic = { count->packets, count->bytes } };
	snprintf(added->dev, sizeof(added->dev), "%s", count->dev);
	return 0;
}

static int add_device(const struct turnpike_status *status, void *arg)
{
	struct kernel_look *look = arg;
	struct turnpike_status *grown =
		reallocarray(look->devices, look->n_devices + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[look->n_devices++] = *status;
	look->devices = grown;
	return 0;
}

int kernel_look_read(struct datapath *datapath, struct kernel_look *look)
{
	int err;

	*look = (struct kernel_look){ 0 };
	err = datapath_for_each_count(datapath, add_count, look);
	return err ? err : datapath_for_each_device(datapath, add_device, look);
}

void kernel_look_free(struct kernel_look *look)
{
	free(look->counts);
	free(look->devices);
	*look = (struct kernel_look){ 0 };
}
