/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/health.h"

static bool too_many(__u64 failed, __u64 relayed, const struct health_limits *limits)
{
	return failed >= limits->packets && failed * 100 > (failed + relayed) * limits->percent;
}

/* A sum over devices falls when one of them is detached: then nothing can be said. */
static __u64 added(__u64 before, __u64 now)
{
	return now > before ? now - before : 0;
}

/*
 * Of what a driver could not send, some may have found a full queue, as busy devices have them:
 * that is no reason to go a slower way. If it loses most, it cannot send at all.
 */
#define LOST_PERCENT 50

/* What is lost was counted as relayed before, and may be counted twice, or a moment earlier. */
static bool loses(__u64 lost, __u64 relayed, const struct health_limits *limits)
{
	return too_many(lost, relayed > lost ? relayed - lost : 0, limits);
}

bool health_refuses(const struct health_sample *before, const struct health_sample *now,
		    const struct health_limits *limits)
{
	/* How many it did take is not counted anywhere. */
	return added(before->refused, now->refused) >= limits->packets;
}

enum health health_judge(const struct health_sample *before, const struct health_sample *now,
			 const struct health_limits *limits)
{
	const struct health_limits most = { limits->packets, LOST_PERCENT };
	const __u64 relayed = now->relayed - before->relayed;

	/* A device that was made anew counts from 0: then nothing can be said. */
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
	/* All is relayed, but each packet was tried twice. */
	if (too_many(now->wrong_end - before->wrong_end, relayed, limits))
		return HEALTH_WRONG_END;
	return HEALTH_GOOD;
}

const char *health_text(enum health health)
{
	static const char *const texts[HEALTH_MAX] = {
		[HEALTH_GOOD] = "works",
		[HEALTH_NOT_RUNNING] = "packets come in, but the program meets none of them",
		[HEALTH_LOST] = "the driver loses packets that were relayed",
		[HEALTH_NOT_TAKEN] = "packets are lost at the device that they are redirected to",
		[HEALTH_NO_ROOM] = "packets find no room for their new headers",
		[HEALTH_NO_EGRESS] =
			"packets cannot be redirected to the device that they leave by",
		[HEALTH_NOT_MOVED] = "the driver ignores that frames were moved",
		[HEALTH_WRONG_END] = "packets find no room at the end that is moved first",
	};

	return health < HEALTH_MAX ? texts[health] : "?";
}
