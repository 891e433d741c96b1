/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/observer.h"

#include <errno.h>

#include "base/map_set.h"

static const struct attach_point at_tcx = { TURNPIKE_MODE_TC, TURNPIKE_HOOK_TCX, &hook_tcx_egress };
static const struct attach_point at_clsact = { TURNPIKE_MODE_TC, TURNPIKE_HOOK_CLSACT,
					       &hook_clsact_egress };

static bool is_there(const struct attachment *observer, __u32 ifindex)
{
	return observer->point && observer->ifindex == ifindex &&
	       point_has(observer->point, ifindex, observer->prog_id);
}

static int attach(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
		  struct attachment *ret)
{
	struct attachment observer;
	int err = attachment_load_observer(maps, point, ifindex, &observer);

	if (err)
		return err;
	err = attachment_attach(&observer);
	if (err)
		attachment_close(&observer);
	else
		*ret = observer;
	return err;
}

int observer_keep(const struct maps *maps, __u32 ifindex, enum turnpike_hook hook,
		  struct attachment *observer)
{
	int err = -EINVAL;

	if (!maps->confirm_ns || is_there(observer, ifindex))
		return 0;
	attachment_close(observer);
	if (hook != TURNPIKE_HOOK_CLSACT)
		err = attach(maps, &at_tcx, ifindex, observer);
	/* Before Linux 6.6 the kernel does not know the attach type. */
	return err == -EINVAL ? attach(maps, &at_clsact, ifindex, observer) : err;
}
