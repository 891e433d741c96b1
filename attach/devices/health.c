/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/health.h"

static bool too_many(__u64 failed, __u64 relayed, const struct health_limits *limits)
{
	return failed >= limits->packets && failed * 100 > (failed + relayed) * limits->percent;
}

/* A sum over devices falls when one of them is detached: count nothing then. */
static __u64 added(__u64 before, __u64 now)
{
	return now > before ? now - before : 0;
}

/*
 * Frames that a driver loses may have met a full queue, as is normal on busy devices and no reason
 * for a slower mode. A driver that loses most cannot send at all.
 */
#define MOST_PERCENT 50

/* A lost packet was also counted as relayed, perhaps in the sample before. */
static bool loses(__u64 lost, __u64 relayed, const struct health_limits *limits)
{
	return too_many(lost, relayed > lost ? relayed - lost : 0, limits);
}

bool health_merges(const struct health_sample *before, const struct health_sample *now,
		   const struct health_limits *limits)
{
	const struct health_limits most = { limits->packets, MOST_PERCENT };

	return too_many(added(before->merged, now->merged), added(before->relayed, now->relayed),
			&most);
}

bool health_refuses(const struct health_sample *before, const struct health_sample *now,
		    const struct health_limits *limits)
{
	/* No counter has those that it accepted. */
	return added(before->refused, now->refused) >= limits->packets;
}

enum health health_judge(const struct health_sample *before, const struct health_sample *now,
			 const struct health_limits *limits)
{
	const struct health_limits most = { limits->packets, MOST_PERCENT };
	const __u64 relayed = now->relayed - before->relayed;

	/* A device that was created anew counts from 0: no verdict then. */
	if (now->received >= before->received + limits->packets && now->met == before->met)
		return HEALTH_NOT_RUNNING;
	if (loses(added(before->lost, now->lost), relayed, &most))
		return HEALTH_LOST;
	if (loses(added(before->not_taken, now->not_taken), relayed, limits))
		return HEALTH_NOT_TAKEN;
	if (too_many(now->no_room - before->no_room, relayed, limits))
		return HEALTH_NO_ROOM;
	if (too_many(now->no_egress - before->no_egress, relayed, limits))
		return HEALTH_NO_EGRESS;
	/* All are relayed, but each at the second attempt. */
	if (too_many(now->wrong_end - before->wrong_end, relayed, limits))
		return HEALTH_WRONG_END;
	return HEALTH_GOOD;
}

const char *health_text(enum health health)
{
	static const char *const texts[HEALTH_MAX] = {
		[HEALTH_GOOD] = "works",
		[HEALTH_NOT_RUNNING] = "packets come in, but do not reach the program",
		[HEALTH_LOST] = "the driver loses packets that were relayed",
		[HEALTH_NOT_TAKEN] = "packets are lost at the device they are redirected to",
		[HEALTH_NO_ROOM] = "packets have no room for longer headers",
		[HEALTH_NO_EGRESS] = "packets cannot be redirected to their egress device",
		[HEALTH_NOT_MOVED] = "the driver ignores that a frame was moved",
		[HEALTH_WRONG_END] = "packets have no room at the end that moves first",
	};

	return health < HEALTH_MAX ? texts[health] : "?";
}
