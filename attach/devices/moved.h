/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does a frame that a program has grown come out so? While a trial is attached, the gateway is
 * asked whether it is there, and its answer is grown, passed up and looked at.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_MOVED_H
#define TURNPIKE_ATTACH_DEVICES_MOVED_H

#include <netlink/netlink.h>
#include <stddef.h>
#include <turnpike/abi.h>

#include "net/netlink.h"

struct maps;

enum moved_state {
	MOVED_UNPROVEN,
	MOVED_PROVEN,
	MOVED_DISPROVEN,
};

/** struct moved - of one end; @why: why it is unproven, for people */
struct moved {
	enum moved_state state;
	const char *why;
};

/** moved_try() - grow one frame at each end; takes some milliseconds, 0.17 s at most */
void moved_try(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
	       struct moved *head, struct moved *tail);

/**
 * moved_judge() - what a frame that has arrived shows about one that was @taken
 * UNPROVEN: it is another one.
 */
enum moved_state moved_judge(const struct turnpike_taken *taken, enum turnpike_trial_end end,
			     const __u8 *frame, size_t len);

#endif /* TURNPIKE_ATTACH_DEVICES_MOVED_H */
