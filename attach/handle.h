/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is behind a handle.
 */
#ifndef TURNPIKE_HANDLE_H
#define TURNPIKE_HANDLE_H

#include <netlink/netlink.h>
#include <turnpike/turnpike.h>

#include "binding.h"
#include "device.h"
#include "icmp.h"
#include "maps.h"
#include "nexthop.h"
#include "policers.h"

struct turnpike {
	struct maps maps;
	struct nl_sock *requests;
	struct nexthops *nexthops;
	struct devices devices;
	struct bindings *bindings;
	struct policers policers;
	struct icmp *icmp;
	int epoll; /* what there is to poll for; -1: none yet */
	char error[512];
};

#endif /* TURNPIKE_HANDLE_H */
