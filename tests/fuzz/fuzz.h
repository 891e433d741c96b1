/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file fuzz.h
 * What a fuzz target is: linked with libFuzzer it is fed what that makes up, linked with replay.c
 * the files it is given.
 */
#ifndef TURNPIKE_FUZZ_H
#define TURNPIKE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** LLVMFuzzerTestOneInput() - one input; aborts if something is not as it must be. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * fuzz_missed() - prints what the inputs so far have reached; returns how much of what they should
 * have reached they have not
 */
int fuzz_missed(void);

/** missed() - prints how often something was reached; returns 1 if never, or 0 */
static inline int missed(const char *what, unsigned long long n)
{
	printf("  %-44s %10llu%s\n", what, n, n ? "" : "  MISSED");
	return !n;
}

/** must() - the end of the process, unless @condition holds; @what must be is said then. */
#define must(condition, what)                                                                  \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%s:%d: it must be so: %s (%s)\n", __FILE__, __LINE__, \
				what, #condition);                                             \
			abort();                                                               \
		}                                                                              \
	} while (0)

#endif /* TURNPIKE_FUZZ_H */
