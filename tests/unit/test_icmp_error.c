/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors (RFC 792, RFC 1191, RFC 4443), compared byte by byte with those built here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "net/icmp_sender.h"

#define MTU 1400

/* RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 (c), without IP's and ICMP's headers. */
#define QUOTE4 (576 - 20 - 8)
#define QUOTE6 (1280 - 40 - 8)

static const struct kind {
	enum turnpike_verdict verdict;
	__u8 family;
	__u8 type;
	__u8 code;
	__u32 mtu; /* in the error */
} kinds[] = {
	{ TURNPIKE_TTL, TURNPIKE_IPV4, 11, 0, 0 },
	{ TURNPIKE_DONT_FRAGMENT, TURNPIKE_IPV4, 3, 4, MTU },
	{ TURNPIKE_TTL, TURNPIKE_IPV6, 3, 0, 0 },
	{ TURNPIKE_DONT_FRAGMENT, TURNPIKE_IPV6, 2, 0, MTU },
};

/* Link-layer headers with up to two tags. */
static const __u32 l2_lens[] = { 14, 18, 22 };

/* The longest that fit, the shortest that do not, even and odd, and the minimum. */
static const __u32 lengths[] = { 40, 41, 60, 101, 546, 547, 548, 549, 550, 1231, 1232, 1233, 1240 };

static void put16(__u8 *to, __u32 value)
{
	to[0] = (__u8)(value >> 8);
	to[1] = (__u8)value;
}

/* Not base/checksum.h, which is under test: bytes in network order instead of words. */
static __u32 sum(const __u8 *bytes, __u32 len)
{
	__u32 ret = 0, i;

	for (i = 0; i < len; i++)
		ret += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	while (ret > 0xffff)
		ret = (ret & 0xffff) + (ret >> 16);
	return ret;
}

/* Allocated, so that AddressSanitizer knows its end. */
static __u8 *make_frame(__u8 version, __u32 l2_len, __u32 len)
{
	__u8 *frame = malloc(l2_len + len);
	__u32 i;

	assert_non_null(frame);
	for (i = 0; i < l2_len + len; i++)
		frame[i] = (__u8)(i * 11 + 3);
	frame[l2_len] = (__u8)((unsigned int)version << 4 | 5);
	return frame;
}

static struct turnpike_event make_event(const struct kind *kind, __u32 l2_len, __u32 len)
{
	return (struct turnpike_event){ .verdict = kind->verdict,
					.ifindex = 7,
					.mtu = MTU, /* also for TTL, whose errors have none */
					.l2_len = l2_len,
					.len = l2_len + len };
}

static struct icmp_error expected_error(const struct kind *kind, const __u8 *ip, __u32 len)
{
	const bool ipv4 = kind->family == TURNPIKE_IPV4;
	const __u32 max = ipv4 ? QUOTE4 : QUOTE6;
	struct icmp_error error = { 0 };

	error.from.family = error.to.family = kind->family;
	memcpy(error.to.ip, ip + (ipv4 ? 12 : 8), ipv4 ? 4 : 16);
	memcpy(error.from.ip, ip + (ipv4 ? 16 : 24), ipv4 ? 4 : 16);
	error.len = 8 + (len < max ? len : max);
	error.bytes[0] = kind->type;
	error.bytes[1] = kind->code;
	put16(error.bytes + 6, kind->mtu);
	memcpy(error.bytes + 8, ip, error.len - 8);
	if (ipv4) /* the kernel fills in that of ICMPv6 */
		put16(error.bytes + 2, 0xffff - sum(error.bytes, error.len));
	return error;
}

static void test_errors(void **state)
{
	struct icmp_error expected, actual;
	struct turnpike_event event;
	size_t i, j, k;
	__u8 *frame;

	(void)state;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		for (j = 0; j < ARRAY_LEN(lengths); j++) {
			for (k = 0; k < ARRAY_LEN(l2_lens); k++) {
				frame = make_frame(kinds[i].family, l2_lens[k], lengths[j]);
				event = make_event(&kinds[i], l2_lens[k], lengths[j]);
				expected =
					expected_error(&kinds[i], frame + l2_lens[k], lengths[j]);
				memset(&actual, 0x5a, sizeof(actual));
				assert_int_equal(icmp_build(&event, frame, &actual), 0);
				assert_memory_equal(&actual, &expected, sizeof(actual));
				free(frame);
			}
		}
	}
}

/* An odd byte at the end counts as the first of a word. */
static void test_checksum(void **state)
{
	const struct kind *kind = &kinds[1];
	struct turnpike_event event = make_event(kind, 14, 21);
	struct icmp_error error;
	__u8 *frame = make_frame(4, 14, 21);

	(void)state;
	assert_int_equal(icmp_build(&event, frame, &error), 0);
	assert_int_equal(error.len, 8 + 21);
	assert_int_equal(sum(error.bytes, error.len), 0xffff);
	free(frame);
}

/* Only IPv6 has an MTU of more than 16 bits. */
static void test_large_mtu(void **state)
{
	struct turnpike_event event = make_event(&kinds[3], 14, 60);
	struct icmp_error error;
	__u8 *frame = make_frame(6, 14, 60);

	(void)state;
	event.mtu = 0x00012345;
	assert_int_equal(icmp_build(&event, frame, &error), 0);
	assert_memory_equal(error.bytes, "\x02\x00\x00\x00\x00\x01\x23\x45", 8);
	free(frame);
}

static void refuse(const struct turnpike_event *event, const __u8 *frame)
{
	struct icmp_error error, untouched;

	memset(&error, 0x5a, sizeof(error));
	untouched = error;
	assert_int_equal(icmp_build(event, frame, &error), -EINVAL);
	assert_memory_equal(&error, &untouched, sizeof(error));
}

/* Truncated headers; an L2 header as long as the frame, or longer; an empty frame. */
static void test_lengths(void **state)
{
	static const __u32 beyond[] = { 14, 15, 1000, 0x80000000, UINT32_MAX };
	struct turnpike_event event;
	__u8 *frame;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		__u32 hlen = kinds[i].family == TURNPIKE_IPV4 ? 20 : 40;

		frame = make_frame(kinds[i].family, 14, hlen - 1);
		event = make_event(&kinds[i], 14, hlen - 1);
		refuse(&event, frame);
		free(frame);
	}
	frame = calloc(1, 14);
	assert_non_null(frame);
	event = make_event(&kinds[0], 14, 0);
	for (i = 0; i < ARRAY_LEN(beyond); i++) {
		event.l2_len = beyond[i];
		refuse(&event, frame);
	}
	event.len = event.l2_len = 0;
	refuse(&event, frame);
	free(frame);
}

/* Only verdicts that programs report, and only IP. */
static void test_others(void **state)
{
	struct turnpike_event event = make_event(&kinds[0], 14, 60);
	enum turnpike_verdict verdict;
	__u8 *frame;
	__u8 version;

	(void)state;
	for (version = 0; version < 16; version++) {
		frame = make_frame(version, 14, 60);
		if (version != 4 && version != 6)
			refuse(&event, frame);
		free(frame);
	}
	frame = make_frame(4, 14, 60);
	for (verdict = 0; verdict <= TURNPIKE_VERDICT_MAX; verdict++) {
		event.verdict = verdict;
		if (verdict != TURNPIKE_TTL && verdict != TURNPIKE_DONT_FRAGMENT)
			refuse(&event, frame);
	}
	free(frame);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),    cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_large_mtu), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("ICMP errors", tests, NULL, NULL);
}
