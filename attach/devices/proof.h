/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Claims are not proof: an attach can succeed and the program never run. Before a device is relayed
 * by XDP, a program is attached that shows whether any runs and how much room frames have, and
 * leaves traffic as it is.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_PROOF_H
#define TURNPIKE_ATTACH_DEVICES_PROOF_H

#include <netlink/netlink.h>
#include <turnpike/abi.h>

#include "hooks/attachment.h"
#include "devices/health.h"
#include "devices/moved.h"
#include "net/netlink.h"
#include "base/text.h"

/** What was seen; @received: packets, by the device's own statistics, in the same time. */
struct proof {
	struct turnpike_trial trial;
	__u64 received;
	struct moved head, tail;
};

/**
 * proof_watch() - watch a trial that is attached until it has met a few frames, for 0.2 s at most
 * If none come, the gateway of the device, if there is one, is asked whether it is there.
 * @passes_moved: see also whether a frame that was grown is passed up so (moved.h): of some drivers
 * it is known that they do so only with frames that are sent, and we pass none
 */
void proof_watch(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
		 bool passes_moved, struct proof *ret);

/**
 * proof_judge() - HEALTH_NOT_RUNNING, _NOT_MOVED, _WRONG_END, or HEALTH_GOOD: nothing speaks
 * against it Who asked for a mode gets it without room at this end: packets are then moved at the
 * other. And they get it where moved frames are passed up unmoved, for what is sent nobody here has
 * seen.
 */
enum health proof_judge(const struct proof *proof, enum turnpike_moves moves,
			enum turnpike_mode wish);

/** proof_tell() - what is proven, and what is not */
void proof_tell(const struct proof *proof, struct text *text);

#endif /* TURNPIKE_ATTACH_DEVICES_PROOF_H */
