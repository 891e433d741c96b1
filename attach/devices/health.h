/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges whether an attached program works, from two samples of counters. No system calls.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_HEALTH_H
#define TURNPIKE_ATTACH_DEVICES_HEALTH_H

#include <linux/types.h>
#include <stdbool.h>

/**
 * struct health_sample - packets counted so far
 * @received:  by the device's statistics
 * @met:       seen by the program, with any verdict
 * @relayed:   by the program
 * @no_room:   passed because they had no room
 * @no_egress: passed because they could not be redirected
 * @lost:      relayed, and lost by the device's driver
 * @not_taken: relayed, and lost at the device they were redirected to
 * @refused:   redirected to this device by others, and lost
 * @merged:    passed because datagrams came merged
 * @wrong_end: without room at the end that moves first; the other end may have had some
 */
struct health_sample {
	__u64 received;
	__u64 met;
	__u64 relayed;
	__u64 no_room;
	__u64 no_egress;
	__u64 lost;
	__u64 not_taken;
	__u64 refused;
	__u64 merged;
	__u64 wrong_end;
};

/**
 * struct health_limits - failures that are tolerated between two samples
 * @packets: fewer are no evidence
 * @percent: of the packets to relay
 */
struct health_limits {
	__u64 packets;
	__u64 percent;
};

enum health {
	HEALTH_GOOD,
	HEALTH_NOT_RUNNING, /* packets come in, and the program sees none of them */
	HEALTH_LOST,
	HEALTH_NOT_TAKEN,
	HEALTH_NO_ROOM,
	HEALTH_NO_EGRESS,
	HEALTH_WRONG_END,
	HEALTH_NOT_MOVED,
	HEALTH_MAX,
};

/** health_judge() - judge the time between two samples */
enum health health_judge(const struct health_sample *before, const struct health_sample *now,
			 const struct health_limits *limits);

/** health_refuses() - does the device lose what others redirect to it? */
bool health_refuses(const struct health_sample *before, const struct health_sample *now,
		    const struct health_limits *limits);

/** health_merges() - do most packets come merged, so that user space relays them? */
bool health_merges(const struct health_sample *before, const struct health_sample *now,
		   const struct health_limits *limits);

/** health_text() - a clause for people */
const char *health_text(enum health health);

#endif /* TURNPIKE_ATTACH_DEVICES_HEALTH_H */
