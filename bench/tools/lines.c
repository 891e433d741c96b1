// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tool.h"

#define SEED 1 /* the same table in each round */

static void swap(__u32 *a, __u32 *b)
{
	const __u32 was = *a;

	*a = *b;
	*b = was;
}

/* Fisher and Yates */
static __u32 *permutation(__u32 n)
{
	__u32 *result = calloc(n, sizeof(*result));
	__u32 i;

	if (!result)
		die(-ENOMEM, "the table");
	srandom(SEED);
	for (i = 0; i < n; i++) {
		result[i] = i;
		swap(&result[i], &result[(__u32)random() % (i + 1)]);
	}
	return result;
}

void lines_fill(int fd, __u32 flows, __u32 levels)
{
	const size_t size = (size_t)flows * levels * sizeof(struct line);
	struct line *lines = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	__u32 *order = permutation(flows);
	__u32 level, i;

	if (lines == MAP_FAILED)
		die(-errno, "mapping the table");
	for (level = 0; level + 1 < levels; level++) {
		for (i = 0; i < flows; i++)
			lines[level * flows + i].next = (level + 1) * flows + order[i];
	}
	free(order);
	munmap(lines, size);
}
