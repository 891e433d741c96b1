/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a channel binding to what the maps hold: arithmetic only, no system calls.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_ENCODE_H
#define TURNPIKE_ATTACH_FLOWS_ENCODE_H

#include <turnpike/abi.h>
#include <turnpike/turnpike.h>

/** A key of flows4 or flows6; which one, @family tells. */
struct flow_key {
	__u32 family;
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
	};
};

/** One direction of a binding: where it is found and what is done. */
struct encoded_flow {
	struct flow_key key;
	struct turnpike_flow flow;
};

/**
 * encode_check() - can this binding be?
 * Returns 0; -EINVAL: an address without a family or port, a channel out of range, or two families
 * on one side of the relay.
 */
int encode_check(const struct turnpike_binding *binding);

/** encode_to_peer() - ChannelData of the client to UDP for the peer; nexthop and ip6_label are left
 * 0.
 */
void encode_to_peer(const struct turnpike_binding *binding, struct encoded_flow *ret);

/** encode_to_client() - UDP of the peer to ChannelData for the client; left 0 as well. */
void encode_to_client(const struct turnpike_binding *binding, struct encoded_flow *ret);

/** encode_hairpin() - ChannelData of one client to ChannelData for another, its peer; as above. */
void encode_hairpin(const struct turnpike_binding *from, const struct turnpike_binding *to,
		    struct encoded_flow *ret);

#endif /* TURNPIKE_ATTACH_FLOWS_ENCODE_H */
