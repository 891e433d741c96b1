/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * Prints frames and flows for comparison.
 */
#ifndef TURNPIKE_TESTS_PACKETS_REPORT_H
#define TURNPIKE_TESTS_PACKETS_REPORT_H

#include <turnpike/abi.h>

/** report_frames() - print both frames and their first difference to stderr */
void report_frames(const __u8 *expected, __u32 expected_len, const __u8 *actual, __u32 actual_len);

/** report_flows() - print how two flows differ in what programs write */
void report_flows(const struct turnpike_flow *expected, const struct turnpike_flow *actual);

#endif /* TURNPIKE_TESTS_PACKETS_REPORT_H */
