/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include "report.h"

#define PER_LINE 16
#define SHOWN    192 /* more than the headers */

static __u32 first_difference(const __u8 *a, __u32 a_len, const __u8 *b, __u32 b_len)
{
	__u32 i;

	for (i = 0; i < a_len && i < b_len; i++)
		if (a[i] != b[i])
			break;
	return i;
}

/* Lines of 16 bytes around @mark, with the byte at @mark in brackets. */
static void dump(const char *title, const __u8 *bytes, __u32 len, __u32 mark)
{
	__u32 begin = mark < SHOWN ? 0 : (mark - SHOWN / 2) / PER_LINE * PER_LINE;
	__u32 end = len < begin + SHOWN ? len : begin + SHOWN;
	__u32 i;

	fprintf(stderr, "  %s, %u bytes", title, len);
	for (i = begin; i < end; i++) {
		if (i % PER_LINE == 0)
			fprintf(stderr, "\n    %04x ", i);
		fprintf(stderr, i == mark ? "[%02x]" : " %02x ", bytes[i]);
	}
	fprintf(stderr, end < len ? "\n    ...\n" : "\n");
}

void report_frames(const __u8 *expected, __u32 expected_len, const __u8 *actual, __u32 actual_len)
{
	const __u32 mark = first_difference(expected, expected_len, actual, actual_len);

	fprintf(stderr, "  the frames differ at offset %u (0x%x)\n", mark, mark);
	dump("expected", expected, expected_len, mark);
	dump("actual", actual, actual_len, mark);
}

static void print_flow(const char *title, const struct turnpike_flow *flow)
{
	fprintf(stderr,
		"  %s flow: %llu packets, %llu bytes, seen %#llx, check at %llu, until %llu, tries %u, "
		"observation %u on %u\n",
		title, flow->packets, flow->bytes, flow->seen, flow->check_at, flow->until,
		flow->tries, flow->observation, flow->observed_on);
}

void report_flows(const struct turnpike_flow *expected, const struct turnpike_flow *actual)
{
	print_flow("expected", expected);
	print_flow("actual", actual);
}
