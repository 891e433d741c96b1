/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/instances.h"

#include <errno.h>
#include <stdlib.h>

/* Number N is all[N - 1]; without a point there is none. */
struct instances {
	struct instance all[INSTANCES_MAX];
};

static int allocate(struct privileged *privileged)
{
	size_t i;

	if (privileged->instances)
		return 0;
	privileged->instances = calloc(1, sizeof(*privileged->instances));
	if (!privileged->instances)
		return -ENOMEM;
	for (i = 0; i < INSTANCES_MAX; i++)
		privileged->instances->all[i] = INSTANCE_NONE;
	return 0;
}

int instances_add(struct privileged *privileged, struct instance *instance, __u32 *number)
{
	int err = allocate(privileged);
	__u32 i = 0;

	while (!err && i < INSTANCES_MAX && privileged->instances->all[i].point)
		i++;
	if (!err && i == INSTANCES_MAX)
		err = -ENOSPC;
	if (err) {
		instance_close(instance);
		return err;
	}
	privileged->instances->all[i] = *instance;
	*number = i + 1;
	return 0;
}

struct instance *instances_find(const struct privileged *privileged, __u32 number)
{
	struct instance *instance;

	if (!privileged->instances || !number || number > INSTANCES_MAX)
		return NULL;
	instance = &privileged->instances->all[number - 1];
	return instance->point ? instance : NULL;
}

void instances_remove(const struct privileged *privileged, __u32 number)
{
	struct instance *instance = instances_find(privileged, number);

	if (instance)
		instance_close(instance);
}

void instances_end(struct privileged *privileged)
{
	__u32 number;

	for (number = 1; number <= INSTANCES_MAX; number++)
		instances_remove(privileged, number);
	free(privileged->instances);
	privileged->instances = NULL;
}
