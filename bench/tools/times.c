// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "times.h"

#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const __u64 first = *(const __u64 *)a, second = *(const __u64 *)b;

	return (first > second) - (first < second);
}

size_t times_sort(__u64 *times, size_t n)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (times[i])
			times[kept++] = times[i];
	}
	qsort(times, kept, sizeof(*times), compare);
	return kept;
}

static double quantile_us(const __u64 *times, size_t n, double share)
{
	return n ? (double)times[(size_t)(share * (double)(n - 1))] / 1e3 : 0;
}

void times_print(const __u64 *times, size_t n)
{
	printf(", \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f",
	       quantile_us(times, n, 0.5), quantile_us(times, n, 0.99),
	       quantile_us(times, n, 0.999));
}
