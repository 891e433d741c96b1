/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * Two frames for people's eyes.
 */
#ifndef TURNPIKE_TEST_REPORT_H
#define TURNPIKE_TEST_REPORT_H

#include <linux/types.h>

/** report_frames() - prints both frames and where they first differ, on stderr */
void report_frames(const __u8 *expected, __u32 expected_len, const __u8 *actual, __u32 actual_len);

#endif /* TURNPIKE_TEST_REPORT_H */
