/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Encodes a binding as elements of the flow maps. No system calls.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_ENCODE_H
#define TURNPIKE_ATTACH_FLOWS_ENCODE_H

#include <turnpike/abi.h>
#include <turnpike/turnpike.h>

/** struct flow_key - a key of the map @table, an enum turnpike_flow_table */
struct flow_key {
	__u32 table;
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
		struct turnpike_send_key send;
	};
};

/** struct encoded_flow - key and value of one direction of a binding */
struct encoded_flow {
	struct flow_key key;
	struct turnpike_flow flow;
};

/**
 * encode_check() - validate a binding
 *
 * Return: 0, or -EINVAL: an address without family or port or in IPv4-mapped form, padding that is
 * not 0, a channel out of range, two families on one side of the relay, or members that belong to
 * the other framing.
 */
int encode_check(const struct turnpike_binding *binding);

/** encode_to_peer() - from the client's messages to the peer. @nexthop and @ip6_label stay 0. */
void encode_to_peer(const struct turnpike_binding *binding, struct encoded_flow *ret);

/** encode_to_client() - from the peer's datagrams to messages to the client; as above */
void encode_to_client(const struct turnpike_binding *binding, struct encoded_flow *ret);

/** encode_hairpin() - from one client to another one that is its peer; as above */
void encode_hairpin(const struct turnpike_binding *from, const struct turnpike_binding *to,
		    struct encoded_flow *ret);

#endif /* TURNPIKE_ATTACH_FLOWS_ENCODE_H */
