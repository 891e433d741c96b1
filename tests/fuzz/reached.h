/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reached.h
 * Records how far packets get: a fuzzer whose inputs are all rejected early finds nothing.
 */
#ifndef TURNPIKE_TESTS_FUZZ_REACHED_H
#define TURNPIKE_TESTS_FUZZ_REACHED_H

#include "model.h"

/** reach() - record a packet's @verdict; @disturbed: a helper has failed */
void reach(const struct situation *situation, const struct outcome *outcome,
	   enum turnpike_verdict verdict, bool disturbed);

#endif /* TURNPIKE_TESTS_FUZZ_REACHED_H */
