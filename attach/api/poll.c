/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a program calls again and again, and what is known of paths.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "api/fail.h"
#include "base/quiet.h"
#include "handle.h"

int turnpike_fd(const struct turnpike *tp)
{
	return tp->epoll;
}

int turnpike_poll(struct turnpike *tp)
{
	const int err = nexthops_poll(tp->nexthops);
	libbpf_print_fn_t print;

	icmp_poll(tp->icmp);
	waiting_poll(tp->waiting);
	handle_set_timer(tp);

	if (devices_are_due(&tp->devices)) {
		handle_follow_conntrack(tp);
		print = be_quiet();
		if (devices_supervise(&tp->devices))
			nexthops_refresh(tp->nexthops);
		libbpf_set_print(print);
	}
	return err ? api_fail(
			     tp, err,
			     "missed changes of routes and neighbours; all next hops are looked up again")
		   : 0;
}

__u32 turnpike_confirm_ms(const struct turnpike *tp)
{
	return tp->maps.confirm_ns ? (__u32)(tp->maps.devices[0].interval / 1000000u) : 0;
}

int turnpike_reach(struct turnpike *tp, const struct turnpike_addr *local,
		   const struct turnpike_addr *remote)
{
	const struct nexthop_pair pair = nexthop_pair(local, remote);
	const int reach = nexthops_reach(tp->nexthops, &pair);

	return reach < 0 ? api_fail(tp, reach, "cannot look up the route: %s", strerror(-reach))
			 : reach;
}

__u32 turnpike_unwatched(const struct turnpike *tp)
{
	return nexthops_unwatched(tp->nexthops);
}

void turnpike_path_changed(struct turnpike *tp, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	nexthops_path_changed(tp->nexthops, local, remote);
}
