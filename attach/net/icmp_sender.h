/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors to the senders of packets that the programs dropped for an expired TTL, or because
 * they were too big and must not be fragmented (RFC 8656 section 13: as a router does).
 */
#ifndef TURNPIKE_ATTACH_NET_ICMP_SENDER_H
#define TURNPIKE_ATTACH_NET_ICMP_SENDER_H

#include <turnpike/abi.h>

struct operation;
struct privileged;

/** The longest error without its IP header: RFC 4443 section 2.4 (c). */
#define ICMP_ERROR_MAX (1280 - 40)

/** An error for a raw socket of its family; the kernel fills in the checksum of ICMPv6. */
struct icmp_error {
	struct turnpike_addr from; /* destination of the packet, ours; port 0 */
	struct turnpike_addr to;   /* sender of the packet; port 0 */
	__u32 len;
	__u8 bytes[ICMP_ERROR_MAX];
};

/**
 * icmp_build() - build the error for an event, without system calls
 * @frame: event->len untrusted bytes
 *
 * Return: 0; -EINVAL unless it is an IP packet that programs report.
 */
int icmp_build(const struct turnpike_event *event, const __u8 *frame, struct icmp_error *ret);

struct icmp;

/** icmp_operation_open - open a raw socket, with which errors are sent */
extern const struct operation icmp_operation_open;

/**
 * icmp_open() - start sending errors; without CAP_NET_RAW none are sent
 * @events: descriptor of the ring buffer, which must stay open
 * @limit:  set to the rate at which programs may report packets
 *
 * Return: 0 or a negative errno.
 */
int icmp_open(struct privileged *privileged, int events, struct turnpike_policer *limit,
	      struct icmp **ret);

/** icmp_close() - stop; NULL is allowed. */
void icmp_close(struct icmp *icmp);

/** icmp_fd() - get a descriptor that is readable when icmp_poll() has work; do not close it. */
int icmp_fd(const struct icmp *icmp);

/** icmp_poll() - send the errors that are due, without blocking. */
void icmp_poll(struct icmp *icmp);

#endif /* TURNPIKE_ATTACH_NET_ICMP_SENDER_H */
