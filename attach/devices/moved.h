/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verifies that the driver respects a frame that a program has grown. While a trial is attached,
 * the gateway gets a neighbour request; the program grows its answer and passes it, and a socket
 * compares.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_MOVED_H
#define TURNPIKE_ATTACH_DEVICES_MOVED_H

#include <netlink/netlink.h>
#include <stddef.h>
#include <turnpike/abi.h>

#include "net/link.h"

struct maps;

enum moved_state {
	MOVED_UNPROVEN,
	MOVED_PROVEN,
	MOVED_DISPROVEN,
};

/** Why it is unproven: moved_reason(). */
enum moved_why {
	MOVED_NO_FRAMES,
	MOVED_ONLY_SENT,
	MOVED_NO_GATEWAY,
	MOVED_SILENT_GATEWAY,
	MOVED_LATE_GATEWAY,
	MOVED_NO_ROOM,
	MOVED_NOT_ARRIVED,
	MOVED_NO_CAPABILITY,
	MOVED_NO_SOCKET,
	MOVED_WHY_MAX,
};

/** struct moved - the result for one end */
struct moved {
	enum moved_state state;
	enum moved_why why;
};

/** moved_reason() - a clause for people */
const char *moved_reason(enum moved_why why);

/** moved_try() - grow a frame at each end. Takes a few milliseconds, 0.17 s at most. */
void moved_try(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
	       struct moved *head, struct moved *tail);

/** moved_judge() - compare a received frame with the one @taken. MOVED_UNPROVEN: it is another. */
enum moved_state moved_judge(const struct turnpike_taken *taken, enum turnpike_trial_end end,
			     const __u8 *frame, size_t len);

#endif /* TURNPIKE_ATTACH_DEVICES_MOVED_H */
