/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes libFuzzer print at its end what the inputs have reached. */
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void report(void)
{
	fuzz_missed();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(report);
}
