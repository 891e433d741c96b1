/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/observer.h"

#include <errno.h>

static bool is_there(struct privileged *privileged, const struct attachment *observer,
		     __u32 ifindex)
{
	return observer->point && observer->ifindex == ifindex &&
	       attachment_is_attached(privileged, observer);
}

static int attach(struct privileged *privileged, enum turnpike_hook hook, __u32 ifindex,
		  struct attachment *ret)
{
	struct attachment observer;
	int err = attachment_load_observer(privileged, point_of_observer(hook), ifindex, &observer);

	if (err)
		return err;
	err = attachment_attach(privileged, &observer);
	if (err)
		attachment_close(privileged, &observer);
	else
		*ret = observer;
	return err;
}

int observer_keep(struct privileged *privileged, __u32 ifindex, enum turnpike_hook hook,
		  struct attachment *observer)
{
	int err = -EINVAL;

	if (is_there(privileged, observer, ifindex))
		return 0;
	attachment_close(privileged, observer);
	if (hook != TURNPIKE_HOOK_CLSACT)
		err = attach(privileged, TURNPIKE_HOOK_TCX, ifindex, observer);
	/* Before Linux 6.6 the kernel does not know the attach type. */
	return err == -EINVAL ? attach(privileged, TURNPIKE_HOOK_CLSACT, ifindex, observer) : err;
}
