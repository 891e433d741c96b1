/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of a handle.
 */
#ifndef TURNPIKE_ATTACH_HANDLE_H
#define TURNPIKE_ATTACH_HANDLE_H

#include <netlink/netlink.h>
#include <turnpike/turnpike.h>

#include "flows/binding.h"
#include "devices/device.h"
#include "net/icmp_sender.h"
#include "base/map_set.h"
#include "net/nexthop.h"
#include "flows/policers.h"
#include "flows/waiting.h"
#include "privileged/privileged.h"

struct turnpike {
	struct maps maps;
	struct nl_sock *requests;
	struct privileged privileged;
	struct nexthops *nexthops;
	struct devices devices;
	struct bindings *bindings;
	struct waiting *waiting;
	struct policers policers;
	struct icmp *icmp;
	struct turnpike_helper_info helper; /* pid 0: none */
	int timer;                          /* fires when waiting bindings are due; -1: none yet */
	__u64 armed;                        /* that time, ns; 0: never */
	int epoll;                          /* turnpike_fd(); -1: none yet */
	char error[512];
};

/**
 * handle_start_helper() - let a helper run the operations that need privileges
 *
 * Call it when the maps are open, and nothing else is: the helper inherits what the handle has.
 *
 * Return: 0 or a negative errno.
 */
int handle_start_helper(struct turnpike *tp, const struct turnpike_open_opts *opts);

#endif /* TURNPIKE_ATTACH_HANDLE_H */
