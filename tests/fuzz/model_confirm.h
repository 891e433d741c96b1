/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file model_confirm.h
 * The part of the model that is about the confirmation of flows.
 */
#ifndef TURNPIKE_TESTS_FUZZ_MODEL_CONFIRM_H
#define TURNPIKE_TESTS_FUZZ_MODEL_CONFIRM_H

#include "model.h"

/** struct carried - what confirmation depends on: a packet of the situation's flow */
struct carried {
	const struct situation *s;
	__u8 tos;
	const __u8 *data; /* its length is that of the outcome */
};

/** confirmed() - rows 22 to 25. Return: TURNPIKE_RELAYED, or the verdict of one of them */
enum turnpike_verdict confirmed(const struct carried *packet, struct outcome *outcome);

#endif /* TURNPIKE_TESTS_FUZZ_MODEL_CONFIRM_H */
