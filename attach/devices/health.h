/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does the program that is attached do its work? From two samples of counters; no system calls.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_HEALTH_H
#define TURNPIKE_ATTACH_DEVICES_HEALTH_H

#include <linux/types.h>
#include <stdbool.h>

/** Counted up to some moment. */
struct health_sample {
	__u64 received; /* packets, by the device's own statistics */
	__u64 met;      /* packets that the program met, whatever became of them */
	__u64 relayed;
	__u64 no_room;   /* passed up for want of room */
	__u64 no_egress; /* passed up because they could not be redirected */
	__u64 lost;      /* relayed, and then lost by the device's own driver */
	__u64 not_taken; /* the same, by the one that they were redirected to */
	__u64 refused;   /* redirected to this device by others, and not taken */
	__u64 wrong_end; /* no room where it was looked for first; the other end may have had some
			  */
};

struct health_limits {
	__u64 packets; /* fewer between two samples say nothing */
	__u64 percent; /* of what should have been relayed; less is put up with */
};

enum health {
	HEALTH_GOOD,
	HEALTH_NOT_RUNNING, /* packets come in, and the program meets none of them */
	HEALTH_LOST,
	HEALTH_NOT_TAKEN,
	HEALTH_NO_ROOM,
	HEALTH_NO_EGRESS,
	HEALTH_WRONG_END,
	HEALTH_NOT_MOVED,
	HEALTH_MAX,
};

/** health_judge() - what the time between @before and @now shows */
enum health health_judge(const struct health_sample *before, const struct health_sample *now,
			 const struct health_limits *limits);

/** health_refuses() - does the device not take what others redirect to it? */
bool health_refuses(const struct health_sample *before, const struct health_sample *now,
		    const struct health_limits *limits);

/** health_text() - the same for people, without a full stop */
const char *health_text(enum health health);

#endif /* TURNPIKE_ATTACH_DEVICES_HEALTH_H */
