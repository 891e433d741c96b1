/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reached.h
 * How far packets got: a fuzzer that only ever sees its inputs refused finds nothing.
 */
#ifndef TURNPIKE_FUZZ_REACHED_H
#define TURNPIKE_FUZZ_REACHED_H

#include "model.h"

/** reach() - a packet has ended with @verdict; @disturbed: a helper has failed */
void reach(const struct situation *situation, const struct outcome *outcome,
	   enum turnpike_verdict verdict, bool disturbed);

#endif /* TURNPIKE_FUZZ_REACHED_H */
