/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

/* getrandom(2) is never interrupted within 256 bytes. */
#define DRAWN 64

/* Handles belong to threads, which share nothing. */
static _Thread_local struct {
	__u32 numbers[DRAWN];
	__u32 left;
} drawn;

int random_u32(__u32 *ret)
{
	if (!drawn.left) {
		if (getrandom(drawn.numbers, sizeof(drawn.numbers), 0) !=
		    (ssize_t)sizeof(drawn.numbers))
			return -EIO;
		drawn.left = DRAWN;
	}
	*ret = drawn.numbers[--drawn.left];
	return 0;
}
