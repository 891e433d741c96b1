/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* With libFuzzer: when it is done, what was reached is told. */
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void tell(void)
{
	fuzz_missed();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(tell);
}
