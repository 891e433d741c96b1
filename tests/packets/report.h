/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * Prints two frames for comparison.
 */
#ifndef TURNPIKE_TESTS_PACKETS_REPORT_H
#define TURNPIKE_TESTS_PACKETS_REPORT_H

#include <linux/types.h>

/** report_frames() - print both frames and their first difference to stderr */
void report_frames(const __u8 *expected, __u32 expected_len, const __u8 *actual, __u32 actual_len);

#endif /* TURNPIKE_TESTS_PACKETS_REPORT_H */
