/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_addresses.h
 * The IP addresses of this network namespace, with what the kernel knows of them and of their
 * links.
 */
#ifndef TURNPIKE_HOST_HOST_ADDRESSES_H
#define TURNPIKE_HOST_HOST_ADDRESSES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/**
 * enum host_address_flag - state of an address, as bits
 * @HOST_TENTATIVE:  IPv6 duplicate detection (RFC 4862) runs; nothing can be bound to it yet
 * @HOST_DADFAILED:  another host has the address; it stays unusable until somebody intervenes
 * @HOST_DEPRECATED: its preferred lifetime has ended; it works, but nothing new should use it
 * @HOST_TEMPORARY:  IPv6 privacy address (RFC 8981), which expires by design
 */
enum host_address_flag {
	HOST_TENTATIVE = 1 << 0,
	HOST_DADFAILED = 1 << 1,
	HOST_DEPRECATED = 1 << 2,
	HOST_TEMPORARY = 1 << 3,
};

/**
 * enum host_link_kind - kind of a link
 * @HOST_LINK_BRIDGE: a bridge of Linux or Open vSwitch
 * @HOST_LINK_TUNNEL: what carries packets inside others: WireGuard, tun, tap, GRE, PPP, VXLAN, ...
 * @HOST_LINK_OTHER:  anything else, a physical device for example
 */
enum host_link_kind {
	HOST_LINK_OTHER,
	HOST_LINK_LOOPBACK,
	HOST_LINK_BRIDGE,
	HOST_LINK_TUNNEL,
	HOST_LINK_DUMMY,
	HOST_LINK_VETH,
};

/**
 * struct host_link - a network device
 * @ifindex:   its index
 * @name:      its name
 * @kind:      what it is
 * @type:      kind in the kernel's words, "wireguard" for example; empty for a physical device
 * @up:        it is administratively up
 * @carrier:   it is connected; a bridge has carrier while one of its ports has
 * @is_uplink: of a bridge: one of its ports is neither a veth nor a tap device. So machines
 *             outside of this one are behind it
 * @is_default: of a bridge or tunnel: a default route leaves by it, in any table; the halves
 *             0.0.0.0/1 and 128.0.0.0/1, which some VPN clients install, count as one
 */
struct host_link {
	unsigned int ifindex;
	char name[IFNAMSIZ];
	enum host_link_kind kind;
	char type[16];
	bool up;
	bool carrier;
	bool is_uplink;
	bool is_default;
};

/**
 * struct host_address - an address of this host
 * @addr:  port 0; without zone
 * @flags: bits of enum host_address_flag
 * @link:  the device that carries it
 */
struct host_address {
	struct turnpike_addr addr;
	unsigned int flags;
	struct host_link link;
};

/**
 * struct host_addresses - @list[@n]; addresses may occur several times, on different links
 * @local: what local routes deliver to this host: its addresses, but also networks without an
 *         address (AnyIP), anycast and broadcast addresses
 */
struct host_addresses {
	struct host_address *list;
	size_t n;
	struct addr_cidr *local;
	size_t n_local;
};

/**
 * host_addresses_read() - get all addresses, loopback and link-local ones included
 * @ret: in the kernel's order; release it with host_addresses_free()
 *
 * Any thread. Return: 0 or a negative errno.
 */
int host_addresses_read(struct host_addresses *ret);

/** host_addresses_free() - release the list; accepts a zeroed struct */
void host_addresses_free(struct host_addresses *addresses);

/** host_addresses_equal() - whether two lists have the same addresses in the same state */
bool host_addresses_equal(const struct host_addresses *a, const struct host_addresses *b);

#endif /* TURNPIKE_HOST_HOST_ADDRESSES_H */
