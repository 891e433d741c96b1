/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file expect.h
 * What must become of a vector's packet, worked out from the vector alone.
 */
#ifndef TURNPIKE_TEST_EXPECT_H
#define TURNPIKE_TEST_EXPECT_H

#include "vector.h"

/**
 * struct expectation - one vector for one pair of families
 * @in:        the packet
 * @flow:      to be installed, if its key has a family
 * @nexthop:   to be installed at @hop, unless that is 0
 * @mtu:       of the device that @in comes by
 * @in_bytes:  what goes in; all of the frame, should it be cut off at @in_len
 * @out_bytes: what must come out
 * @action:    what the program must return
 * @told:      what it must tell the library: n is 0 or 1
 * @events:    the limit on that, before
 * @policers:  those of the flow, before, by the flow's two and their levels
 * @charged:   whether the packet is charged to all of them; if not, then to none
 * @nexthop_id: what must have become of the next hop's IPv4 identification
 * @counts:    what it must count
 * @after:     what must have become of @flow
 */
struct expectation {
	struct frame in;
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
	struct turnpike_policer policers[TURNPIKE_FLOW_POLICERS][TURNPIKE_POLICER_LEVELS];
	bool charged;
	__u32 nexthop_id;
	struct counts counts;
	struct turnpike_flow after;
};

/** expect() - returns false if the payload cannot be crafted as the vector wants it */
bool expect(const struct testbed *testbed, const struct vector *vector, struct families pair,
	    struct expectation *ret);

#endif /* TURNPIKE_TEST_EXPECT_H */
