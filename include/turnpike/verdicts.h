/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file verdicts.h
 * The verdicts: the possible fates of a packet. The programs count by this list, and the library
 * takes the names from it.
 *
 * X(symbol, name, kind, text), where kind is
 *   RELAY   relayed by the kernel
 *   PASS    passed to the stack, unmodified
 *   DROP    dropped
 *   NOTIFY  dropped, and its sender gets an ICMP error
 *   NOTE    not a verdict: counted in addition to one
 *
 * The order is part of the counter map's ABI: append only.
 */
#ifndef TURNPIKE_VERDICTS_H
#define TURNPIKE_VERDICTS_H

/* clang-format off */
#define TURNPIKE_VERDICTS(X)                                                                       \
	X(RELAYED,        "relayed",         RELAY,   "relayed in the kernel")                     \
	X(NOT_IP,         "not-ip",          PASS,    "neither IPv4 nor IPv6")                     \
	X(VLAN,           "vlan",            PASS,    "VLAN tags differ from the next hop's")      \
	X(OTHER_HOST,     "other-host",      PASS,    "sent to another host's MAC address")        \
	X(NOT_UDP,        "not-udp",         PASS,    "not UDP")                                   \
	X(NOT_OURS,       "not-ours",        PASS,    "no flow uses the destination port")         \
	X(IP_OPTIONS,     "ip-options",      PASS,    "IPv4 header has options")                   \
	X(FRAGMENT,       "fragment",        PASS,    "fragment of an IP packet")                  \
	X(MALFORMED,      "malformed",       PASS,    "inconsistent lengths or header checksum")   \
	X(GSO,            "gso",             PASS,    "super-packet of several datagrams (GRO)")   \
	X(CONTROL,        "control",         PASS,    "sent to a listener, and not ChannelData")   \
	X(BAD_CHANNEL,    "bad-channeldata", PASS,    "ChannelData is longer than its datagram")   \
	X(LONG_PADDING,   "long-padding",    PASS,    "more than 3 bytes follow the ChannelData")  \
	X(NO_FLOW,        "no-flow",         PASS,    "no flow for this 5-tuple and channel")      \
	X(EXPIRED,        "expired",         PASS,    "the permission or channel has expired")     \
	X(TTL,            "ttl",             NOTIFY,  "TTL used up; the sender is notified")       \
	X(NO_NEXTHOP,     "no-nexthop",      PASS,    "route or neighbour is not resolved")        \
	X(NO_EGRESS,      "no-egress",       PASS,    "the egress device takes no XDP frames")     \
	X(TOO_BIG,        "too-big",         PASS,    "larger than the egress device's MTU")       \
	X(NO_CHECKSUM,    "no-checksum",     PASS,    "no UDP checksum, or data too long to sum")  \
	X(NO_ROOM,        "no-room",         PASS,    "neither headroom nor tailroom")             \
	X(TORN,           "torn",            DROP,    "a helper failed with the frame modified")   \
	X(HEAD_FAILED,    "head-failed",     NOTE,    "no headroom; the tail was tried")           \
	X(TAIL_FAILED,    "tail-failed",     NOTE,    "no tailroom; the head was tried")           \
	X(PARTIAL,        "partial",         NOTE,    "relayed; it came with a partial checksum")  \
	X(DONT_FRAGMENT,  "dont-fragment",   NOTIFY,  "too big to send; the sender is notified")   \
	X(POLICED,        "policed",         DROP,    "above a limit: allocation, user or server")   \
	X(UNCONFIRMED,    "unconfirmed",     PASS,    "the stack has not confirmed the flow")      \
	X(CHECKED,        "checked",         PASS,    "lets the stack confirm its flow again")     \
	X(OTHER_DEVICE,   "other-device",    PASS,    "came in by another device than its flow")
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

/** turnpike_verdict_is() - is the verdict of that kind? With a constant @kind, one bit test. */
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
