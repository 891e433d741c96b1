/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells senders of packets that the programs dropped and may not drop in silence (RFC 8656 section
 * 13: as a router does): their TTL was used up, or they were too big and not to be fragmented.
 */
#ifndef TURNPIKE_ATTACH_NET_ICMP_SENDER_H
#define TURNPIKE_ATTACH_NET_ICMP_SENDER_H

#include <turnpike/abi.h>

/** The longest error, without its own IP header: RFC 4443 section 2.4 (c). */
#define ICMP_ERROR_MAX (1280 - 40)

/** One error, ready for a raw socket of its family; the kernel sums IPv6's. */
struct icmp_error {
	struct turnpike_addr from; /* ours, whom the packet was sent to; port 0 */
	struct turnpike_addr to;   /* its sender; port 0 */
	__u32 len;
	__u8 bytes[ICMP_ERROR_MAX];
};

/**
 * icmp_build() - the error for an event
 * @frame: event->len bytes that have not been looked at yet
 * Returns 0; -EINVAL: not an IP packet that a program would have told of. No system calls.
 */
int icmp_build(const struct turnpike_event *event, const __u8 *frame, struct icmp_error *ret);

struct icmp;

/**
 * icmp_open() - @events is the map's descriptor, lent
 * @limit: on what programs put there; is set
 * Without CAP_NET_RAW nobody is told.
 */
int icmp_open(int events, struct turnpike_policer *limit, struct icmp **ret);

/** icmp_close() - NULL is fine. */
void icmp_close(struct icmp *icmp);

/** icmp_fd() - readable when icmp_poll() has something to do; its own. */
int icmp_fd(const struct icmp *icmp);

/** icmp_poll() - send what is due; does not block. */
void icmp_poll(struct icmp *icmp);

#endif /* TURNPIKE_ATTACH_NET_ICMP_SENDER_H */
