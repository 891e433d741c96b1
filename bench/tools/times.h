/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Quantiles of measured times.
 */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

#include <linux/types.h>
#include <stddef.h>

/** times_sort() - sort the times other than 0 to the front; returns their number */
size_t times_sort(__u64 *times, size_t n);

/** times_print() - print p50_us, p99_us and p999_us of sorted times as further JSON members */
void times_print(const __u64 *times, size_t n);

#endif /* BENCH_TIMES_H */
