/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "privileged/shared_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/map_maker.h"

struct which {
	__u32 map; /* enum map_id */
};

static bool is_possible(__u32 elements)
{
	return elements <= SHARED_MAPS_MAX;
}

/* A second call would take memory for nothing. */
static int run_make(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct map_options *options = args;
	struct maps *maps;
	int err;

	(void)result;
	(void)fd;
	if (privileged->maps)
		return -EALREADY;
	if (!is_possible(options->flows) || !is_possible(options->nexthops) ||
	    !is_possible(options->policers))
		return -E2BIG;
	maps = malloc(sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	err = maps_make(options, maps);
	if (err)
		free(maps);
	else
		privileged->maps = maps;
	return err;
}

OPERATION(maps_operation_make, OPERATION_MAKE_MAPS, run_make, struct map_options, struct nothing);

static int run_share(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct which *which = args;

	(void)result;
	if (which->map >= N_MAPS)
		return -EINVAL;
	*fd = fcntl(privileged->maps->fds[which->map], F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? -errno : 0;
}

OPERATION(maps_operation_share, OPERATION_SHARE_MAP, run_share, struct which, struct nothing);

static int get_all(struct privileged *privileged, struct maps *maps)
{
	struct nothing nothing;
	struct which which;
	int err = 0;

	for (which.map = 0; which.map < N_MAPS && !err; which.map++)
		err = privileged_call(privileged, &maps_operation_share, &which, &nothing,
				      &maps->fds[which.map]);
	return err;
}

int shared_maps_open(struct privileged *privileged, const struct map_options *options,
		     struct maps *ret)
{
	struct nothing nothing;
	int err = privileged_call(privileged, &maps_operation_make, options, &nothing, NULL);

	if (err)
		return err;
	*ret = MAPS_NONE;
	ret->privileged = privileged;
	err = get_all(privileged, ret);
	if (!err)
		err = maps_map(ret, options);
	if (err)
		maps_close(ret);
	return err;
}

void shared_maps_end(struct privileged *privileged)
{
	if (!privileged->maps)
		return;
	maps_close(privileged->maps);
	free(privileged->maps);
	privileged->maps = NULL;
}
