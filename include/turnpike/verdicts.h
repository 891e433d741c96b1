/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file verdicts.h
 * The one list of what can become of a packet. The programs count by it, the library names by it,
 * the documents are written from it.
 *
 * X(symbol, name, kind, text), where kind is
 *   RELAY  sent on by the kernel
 *   PASS   handed up the stack, byte for byte as it came
 *   DROP   discarded
 *   NOTIFY   discarded, and its sender gets an ICMP error
 *   NOTE   not a verdict: something worth counting that happened to a packet which has one besides
 *
 * The order is the ABI of the counter map: append only.
 */
#ifndef TURNPIKE_VERDICTS_H
#define TURNPIKE_VERDICTS_H

/* clang-format off */
#define TURNPIKE_VERDICTS(X)                                                                        \
	X(RELAYED,        "relayed",        RELAY, "relayed in the kernel")                         \
	X(NOT_IP,         "not-ip",         PASS,  "neither IPv4 nor IPv6")                         \
	X(VLAN,           "vlan",           PASS,  "other VLAN tags than its next hop has")         \
	X(OTHER_HOST,     "other-host",     PASS,  "sent to another MAC address than the device's") \
	X(NOT_UDP,        "not-udp",        PASS,  "not UDP")                                       \
	X(NOT_OURS,       "not-ours",       PASS,  "the destination port has no flow")              \
	X(IP_OPTIONS,     "ip-options",     PASS,  "IPv4 header with options")                      \
	X(FRAGMENT,       "fragment",       PASS,  "fragment of an IP packet")                      \
	X(MALFORMED,      "malformed",      PASS,  "lengths or IPv4 header checksum contradict")    \
	X(GSO,            "gso",            PASS,  "super-packet of several datagrams")             \
	X(CONTROL,        "control",        PASS,  "sent to a listener and not ChannelData")        \
	X(BAD_CHANNEL,    "bad-channeldata", PASS, "ChannelData longer than its datagram")          \
	X(LONG_PADDING,   "long-padding",   PASS,  "more than 3 bytes follow the ChannelData")      \
	X(NO_FLOW,        "no-flow",        PASS,  "no flow for this 5-tuple and channel")          \
	X(EXPIRED,        "expired",        PASS,  "the flow's permission or channel has expired")  \
	X(TTL,            "ttl",            NOTIFY,  "TTL or hop limit used up; its sender is told")  \
	X(NO_NEXTHOP,     "no-nexthop",     PASS,  "route or neighbour not resolved")               \
	X(NO_EGRESS,      "no-egress",      PASS,  "the egress device takes no frames from XDP")    \
	X(TOO_BIG,        "too-big",        PASS,  "larger than the egress device's MTU")           \
	X(NO_CHECKSUM,    "no-checksum",    PASS,  "no UDP checksum, or data too long to sum")          \
	X(NO_ROOM,        "no-room",        PASS,  "neither head nor tail could be moved")          \
	X(TORN,           "torn",           DROP,  "a helper failed after the frame was changed")   \
	X(HEAD_FAILED,    "head-failed",    NOTE,  "no head room; the tail was tried")              \
	X(TAIL_FAILED,    "tail-failed",    NOTE,  "no tail room; the head was tried")              \
	X(PARTIAL,        "partial",        NOTE,  "relayed with a checksum its sender left partial") \
	X(DONT_FRAGMENT,  "dont-fragment",  NOTIFY,  "too big, and not to be fragmented; its sender is told") \
	X(POLICED,        "policed",        DROP,  "more than its allocation, its user, or all may send or get")
/* clang-format on */

enum turnpike_verdict {
#define TURNPIKE_VERDICT_ENUM(symbol, name, kind, text) TURNPIKE_##symbol,
	TURNPIKE_VERDICTS(TURNPIKE_VERDICT_ENUM)
#undef TURNPIKE_VERDICT_ENUM
		TURNPIKE_VERDICT_MAX,
};

enum turnpike_kind {
	TURNPIKE_KIND_RELAY,
	TURNPIKE_KIND_PASS,
	TURNPIKE_KIND_DROP,
	TURNPIKE_KIND_NOTIFY,
	TURNPIKE_KIND_NOTE,
};

/** turnpike_verdict_is() - is the verdict of that kind? One comparison, where @kind is constant. */
static inline __attribute__((always_inline)) int turnpike_verdict_is(enum turnpike_verdict verdict,
								     enum turnpike_kind kind)
{
#define TURNPIKE_VERDICT_KIND(symbol, name, its_kind, text) \
	| (unsigned long long)(TURNPIKE_KIND_##its_kind == kind) << TURNPIKE_##symbol
	const unsigned long long those = 0 TURNPIKE_VERDICTS(TURNPIKE_VERDICT_KIND);
#undef TURNPIKE_VERDICT_KIND

	return (int)(those >> verdict & 1);
}

#endif /* TURNPIKE_VERDICTS_H */
