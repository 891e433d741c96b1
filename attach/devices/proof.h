/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The trial: attaching may succeed and the program never run. So before XDP relays on a device, a
 * program is attached that shows whether it runs and how much room frames have. It passes all
 * traffic.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_PROOF_H
#define TURNPIKE_ATTACH_DEVICES_PROOF_H

#include <turnpike/abi.h>
#include <turnpike/turnpike.h>

#include "devices/health.h"
#include "devices/moved.h"
#include "privileged/privileged.h"
#include "base/text.h"

/**
 * struct proof - what the trial has shown
 * @tried:    there was one
 * @received: packets meanwhile, by the device's statistics
 */
struct proof {
	bool tried;
	struct turnpike_trial trial;
	__u64 received;
	struct moved head, tail;
};

/**
 * proof_watch() - run an attached trial until it has seen a few frames, for 0.2 s at most
 * @passes_moved: the driver also respects frames that are grown and passed, not only those sent:
 *                verify it (moved.h)
 *
 * If no frames come in, the device's gateways get a neighbour request.
 *
 * Return: 0, or a negative errno of privileged_call().
 */
int proof_watch(struct privileged *privileged, __u32 ifindex, bool passes_moved, struct proof *ret);

extern const struct operation proof_operation_try;

/**
 * proof_judge() - HEALTH_NOT_RUNNING, HEALTH_NOT_MOVED, HEALTH_WRONG_END, or HEALTH_GOOD
 * @requested: a requested mode needs no room at this end, as the other one can move. It is not
 * rejected for HEALTH_NOT_MOVED either, because TX cannot be observed
 */
enum health proof_judge(const struct proof *proof, enum turnpike_moves moves,
			enum turnpike_mode requested);

/**
 * proof_describe() - append proven and unproven properties as text for people, without a "; " at
 * the end
 * @traffic: what the program has counted since then, which proves more
 */
void proof_describe(const struct proof *proof, const struct health_sample *traffic,
		    struct text *text);

#endif /* TURNPIKE_ATTACH_DEVICES_PROOF_H */
