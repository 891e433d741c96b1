/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors for arbitrary events must conform to RFC 792, RFC 1812 and RFC 4443. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "net/icmp_sender.h"
#include "wire.h"

/* The head of an input; the frame follows. */
struct header {
	__u8 verdict;
	__u8 mtu[2];
	__u8 l2_len;
};

static __u64 refused, built[2][2], cut[2];

static bool is_notified(__u32 verdict)
{
	return verdict == TURNPIKE_TTL || verdict == TURNPIKE_DONT_FRAGMENT;
}

static void check4(const struct turnpike_event *event, const __u8 *ip, __u32 len,
		   const struct icmp_error *error)
{
	const bool ttl = event->verdict == TURNPIKE_TTL;
	const __u32 quoted = len < 548 ? len : 548;

	must(error->bytes[0] == (ttl ? 11 : 3) && error->bytes[1] == (ttl ? 0 : 4),
	     "type and code");
	must(wire16(error->bytes + 4) == 0, "unused field is 0");
	must(wire16(error->bytes + 6) == (ttl ? 0 : event->mtu), "MTU");
	must(error->len == 8 + quoted && !memcmp(error->bytes + 8, ip, quoted), "quoted packet");
	must(wire_fold(wire_add(0, error->bytes, error->len)) == 0xffff, "checksum");
	must(!memcmp(error->to.ip, ip + 12, 4) && !memcmp(error->from.ip, ip + 16, 4),
	     "addresses are swapped");
	built[0][ttl]++;
	cut[0] += quoted < len;
}

static void check6(const struct turnpike_event *event, const __u8 *ip, __u32 len,
		   const struct icmp_error *error)
{
	const bool ttl = event->verdict == TURNPIKE_TTL;
	const __u32 quoted = len < 1232 ? len : 1232;

	must(error->bytes[0] == (ttl ? 3 : 2) && error->bytes[1] == 0, "type and code");
	must(wire16(error->bytes + 4) == 0 && wire16(error->bytes + 6) == (ttl ? 0 : event->mtu),
	     "MTU");
	must(error->len == 8 + quoted && !memcmp(error->bytes + 8, ip, quoted), "quoted packet");
	must(!memcmp(error->to.ip, ip + 8, 16) && !memcmp(error->from.ip, ip + 24, 16),
	     "addresses are swapped");
	built[1][ttl]++;
	cut[1] += quoted < len;
}

static void check(const struct turnpike_event *event, const __u8 *frame, int err,
		  const struct icmp_error *error)
{
	const __u32 len = event->l2_len < event->len ? event->len - event->l2_len : 0;
	const __u8 version = len ? frame[event->l2_len] >> 4 : 0;
	const bool whole = (version == 4 && len >= 20) || (version == 6 && len >= 40);

	must(err == (is_notified(event->verdict) && whole ? 0 : -EINVAL),
	     "errors for TTL and DONT_FRAGMENT with a whole IP header only");
	if (err) {
		refused++;
		return;
	}
	must(error->to.family == version && error->from.family == version, "family");
	must(!error->to.port && !error->from.port, "no ports");
	if (version == 4)
		check4(event, frame + event->l2_len, len, error);
	else
		check6(event, frame + event->l2_len, len, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct icmp_error error, untouched;
	struct turnpike_event event = { 0 };
	struct header header;
	__u8 *frame;
	int err;

	if (size < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	event.verdict = header.verdict;
	event.mtu = wire16(header.mtu);
	event.l2_len = header.l2_len;
	event.len = (__u32)(size - sizeof(header));
	/* Allocated separately, so that AddressSanitizer detects overflows. */
	frame = malloc(event.len ? event.len : 1);
	if (!frame)
		return 0;
	memcpy(frame, data + sizeof(header), event.len);
	memset(&error, 0x5a, sizeof(error));
	untouched = error;
	err = icmp_build(&event, frame, &error);
	if (err)
		must(!memcmp(&error, &untouched, sizeof(error)), "no result without an error");
	check(&event, frame, err, &error);
	free(frame);
	return 0;
}

int fuzz_missed(void)
{
	return missed("refused", refused) + missed("IPv4, too big", built[0][0]) +
	       missed("IPv4, TTL", built[0][1]) + missed("IPv4, cut off", cut[0]) +
	       missed("IPv6, too big", built[1][0]) + missed("IPv6, hop limit", built[1][1]) +
	       missed("IPv6, cut off", cut[1]);
}
