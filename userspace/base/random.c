/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/random.h"

void random_fill(void *buf, size_t len)
{
	uint8_t *pos = buf;

	while (len > 0) {
		ssize_t got = getrandom(pos, len, 0);

		if (got > 0) {
			pos += got;
			len -= (size_t)got;
		} else if (errno != EINTR) {
			/* Predictable nonces and transaction IDs are worse than no server. */
			abort();
		}
	}
}
