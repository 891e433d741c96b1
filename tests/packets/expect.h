/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file expect.h
 * The expected outcome of a vector, derived from the vector alone.
 */
#ifndef TURNPIKE_TESTS_PACKETS_EXPECT_H
#define TURNPIKE_TESTS_PACKETS_EXPECT_H

#include "vector.h"

/**
 * struct expectation - one vector for one pair of families
 * @in:          the packet
 * @out:         as it leaves, if it is relayed
 * @flow:        the flow to install, if its key has a family
 * @nexthop:     the next hop to install at index @hop, unless that is 0
 * @mtu:         MTU of the ingress device
 * @in_bytes:    the incoming frame; whole, even if it is truncated to @in_len
 * @out_bytes:   the outgoing frame; nothing is expected with @out_len 0
 * @action:      what the program returns
 * @events:      what it reports to the library: n is 0 or 1
 * @event_limit: the limit on events, beforehand
 * @check_limit: the limit on checks, beforehand
 * @check_charged: whether the packet is charged to it
 * @samples:     the samples, afterwards
 * @policers:    the two policers of the flow and their levels, beforehand
 * @charged:     whether the packet is charged to all policers, or else to none
 * @nexthop_id:  ip4_id of the next hop, afterwards
 * @counts:      what the program counts
 * @after:       @flow, afterwards
 */
struct expectation {
	struct frame in;
	struct frame out;
	struct encoded_flow flow;
	struct turnpike_nexthop nexthop;
	__u16 mtu;
	__u32 hop;
	__u8 in_bytes[FRAME_MAX];
	__u8 out_bytes[FRAME_MAX];
	__u32 in_len;
	__u32 out_len;
	int action;
	struct events events;
	struct turnpike_policer event_limit;
	struct turnpike_policer check_limit;
	struct samples samples;
	bool check_charged;
	struct turnpike_policer policers[TURNPIKE_FLOW_POLICERS][TURNPIKE_POLICER_LEVELS];
	bool charged;
	__u32 nexthop_id;
	struct counts counts;
	struct turnpike_flow after;
};

/** expect() - derive @ret. Return: false if the payload cannot be crafted as required */
bool expect(const struct testbed *testbed, const struct vector *vector, struct families pair,
	    struct expectation *ret);

#endif /* TURNPIKE_TESTS_PACKETS_EXPECT_H */
