/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "health.h"

#include <stdbool.h>

static bool too_many(__u64 failed, __u64 relayed, const struct health_limits *limits)
{
	return failed >= limits->packets && failed * 100 > (failed + relayed) * limits->percent;
}

enum health health_judge(const struct health_sample *before, const struct health_sample *now,
			 const struct health_limits *limits)
{
	const __u64 relayed = now->relayed - before->relayed;

	/* A device that was made anew counts from 0: then nothing can be said. */
	if (now->received >= before->received + limits->packets && now->met == before->met)
		return HEALTH_NOT_RUNNING;
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
		[HEALTH_NO_ROOM] = "packets find no room for their new headers",
		[HEALTH_NO_EGRESS] =
			"packets cannot be redirected to the device that they leave by",
		[HEALTH_WRONG_END] = "packets find no room at the end that is moved first",
	};

	return health < HEALTH_MAX ? texts[health] : "?";
}
