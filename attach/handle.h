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

struct turnpike {
	struct maps maps;
	struct nl_sock *requests;
	struct nexthops *nexthops;
	struct devices devices;
	struct bindings *bindings;
	struct policers policers;
	struct icmp *icmp;
	int epoll; /* turnpike_fd(); -1: none yet */
	char error[512];
};

#endif /* TURNPIKE_ATTACH_HANDLE_H */
