/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Many times that something took, and what is told of them.
 */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

#include <linux/types.h>
#include <stddef.h>

/** times_sort() - brings those that are not 0 to the front, in order; returns how many they are */
size_t times_sort(__u64 *times, size_t n);

/** times_print() - p50_us, p99_us and p999_us of sorted times, behind other members of a JSON
 * object */
void times_print(const __u64 *times, size_t n);

#endif /* BENCH_TIMES_H */
