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
#include "net/nexthop.h"
#include "flows/policers.h"
#include "flows/waiting.h"
#include "privileged/shared_maps.h"

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
 * handle_open() - open the parts of a handle
 * @tp: has none of them yet
 *
 * Return: 0 or a negative errno; then tp->error may have a sentence, and those that are open are
 * left to handle_close().
 */
int handle_open(struct turnpike *tp, const struct turnpike_open_opts *opts);

/** handle_close() - close all parts that are open, and free @tp */
void handle_close(struct turnpike *tp);

/** handle_set_timer() - make turnpike_fd() readable when waiting bindings are due */
void handle_set_timer(struct turnpike *tp);

/** handle_follow_conntrack() - confirm flows again before the host may forget them */
void handle_follow_conntrack(struct turnpike *tp);

/**
 * handle_start_helper() - let a helper run the operations that need privileges, if @opts has one
 *
 * Call it before anything is open: a child inherits what the handle has.
 *
 * Return: 0 or a negative errno; then tp->error may have a sentence.
 */
int handle_start_helper(struct turnpike *tp, const struct turnpike_open_opts *opts);

/** handle_try_maps() - find out whether the elements of maps need CAP_BPF. Return: as above. */
int handle_try_maps(struct turnpike *tp);

/** handle_serve() - see turnpike_helper_serve() */
int handle_serve(int connection, const struct turnpike_helper_opts *opts);

#endif /* TURNPIKE_ATTACH_HANDLE_H */
