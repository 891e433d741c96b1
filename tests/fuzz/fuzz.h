/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file fuzz.h
 * The interface of a fuzz target. libFuzzer generates its inputs; replay.c reads them from files.
 */
#ifndef TURNPIKE_TESTS_FUZZ_FUZZ_H
#define TURNPIKE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** LLVMFuzzerTestOneInput() - run one input; abort if a condition is violated. Return: 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * fuzz_missed() - print what the inputs have reached so far
 *
 * Return: the number of goals that have not been reached.
 */
int fuzz_missed(void);

/** missed() - print how often @what was reached. Return: 1 if never, else 0 */
static inline int missed(const char *what, unsigned long long n)
{
	printf("  %-44s %10llu%s\n", what, n, n ? "" : "  MISSED");
	return !n;
}

/** must() - abort with a message unless @condition holds; @what: the requirement */
#define must(condition, what)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: violated: %s (%s)\n", __FILE__, __LINE__, what, \
				#condition);                                                    \
			abort();                                                                \
		}                                                                               \
	} while (0)

#endif /* TURNPIKE_TESTS_FUZZ_FUZZ_H */
