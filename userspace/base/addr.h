/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file addr.h
 * Transport addresses and prefixes: text form, socket address form, comparison. Any thread.
 */
#ifndef TURNPIKE_BASE_ADDR_H
#define TURNPIKE_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <turnpike/addr.h>

/** Size of the longest text of addr_format(), with its NUL. */
#define ADDR_TEXT_MAX 80

/**
 * struct addr_cidr - a prefix
 * @addr:   its first address: bits after the prefix are zero, and so is the port
 * @prefix: length in bits, 0 to 32 (IPv4) or 0 to 128 (IPv6)
 */
struct addr_cidr {
	struct turnpike_addr addr;
	unsigned int prefix;
};

/**
 * addr_parse() - parse an address, with or without a port
 * @text: "192.0.2.1", "192.0.2.1:3478", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:3478"
 * @addr: the result; its port is 0 if @text has none. "192.0.2.1:0" is refused
 *
 * An IPv4-mapped IPv6 address stays an IPv6 address. Host names and zone IDs are refused, and so
 * are link-local addresses with bits where addr_with_zone() stores the zone.
 *
 * Return: 0, or -EINVAL if @text has another form.
 */
int addr_parse(const char *text, struct turnpike_addr *addr);

/**
 * addr_format() - format an address for addr_parse()
 * @addr: the address; a port of 0 is left out; an IPv6 address with a port is in brackets; a zone
 *        is appended by the name of its device, as in fe80::1%eth0, which addr_parse() refuses
 * @text: the result; "-" if @addr has no family
 *
 * Return: @text.
 */
const char *addr_format(const struct turnpike_addr *addr, char text[static ADDR_TEXT_MAX]);

/**
 * addr_from_sockaddr() - convert from a socket address
 * @sa:   AF_INET or AF_INET6; the flow label is dropped
 * @addr: the result, with a zone if it is link-local; an IPv4-mapped IPv6 address stays an IPv6
 *        address
 *
 * Return: 0, or -EAFNOSUPPORT for any other family.
 */
int addr_from_sockaddr(const struct sockaddr_storage *sa, struct turnpike_addr *addr);

/**
 * addr_to_sockaddr() - convert to a socket address
 * @addr: the address
 * @sa:   the result; unused bytes are zero
 *
 * Return: the length of @sa in bytes, or 0 if @addr has no family; then @sa is unchanged.
 */
socklen_t addr_to_sockaddr(const struct turnpike_addr *addr, struct sockaddr_storage *sa);

/** addr_len() - bytes of @addr->ip in use: 4 or 16, or 0 without a family */
size_t addr_len(const struct turnpike_addr *addr);

/** addr_equal() - whether family, IP address and port are equal */
bool addr_equal(const struct turnpike_addr *a, const struct turnpike_addr *b);

/** addr_same_ip() - whether family and IP address are equal */
bool addr_same_ip(const struct turnpike_addr *a, const struct turnpike_addr *b);

/** addr_list_has() - whether one of the @n addresses of @list equals @addr */
bool addr_list_has(const struct turnpike_addr *list, size_t n, const struct turnpike_addr *addr);

/** addr_is_loopback() - whether @addr is in 127.0.0.0/8, or is ::1 */
bool addr_is_loopback(const struct turnpike_addr *addr);

/** addr_is_local_only() - whether no other network can reach @addr: loopback, link-local */
bool addr_is_local_only(const struct turnpike_addr *addr);

/**
 * addr_is_link_local() - whether @addr is in fe80::/10
 *
 * Such an address is unique on its link only. Within the server it contains its zone, that is, the
 * index of the device of that link, in bytes 4 to 7, where every link-local address is zero (RFC
 * 4291 section 2.5.6). So whatever compares or hashes addresses tells two links apart, without
 * knowing about zones. No packet carries a zone: socket addresses have a field for it, and
 * STUN messages and the library get addr_without_zone().
 */
bool addr_is_link_local(const struct turnpike_addr *addr);

/** addr_zone() - the zone of @addr, or 0: none */
unsigned int addr_zone(const struct turnpike_addr *addr);

/** addr_with_zone() - @addr in the zone @ifindex; unless it is link-local, as it is */
struct turnpike_addr addr_with_zone(const struct turnpike_addr *addr, unsigned int ifindex);

/** addr_without_zone() - @addr as packets carry it */
struct turnpike_addr addr_without_zone(const struct turnpike_addr *addr);

/** addr_without_port() - @addr with port 0 */
struct turnpike_addr addr_without_port(const struct turnpike_addr *addr);

/**
 * addr_source() - the addresses that one client may have, as a prefix: an IPv4 address, or an IPv6
 * /64, which is what a link gets. Without a port.
 */
struct turnpike_addr addr_source(const struct turnpike_addr *addr);

/**
 * addr_network() - the addresses that one customer of a network may have, as a prefix: an IPv4 /24,
 * or an IPv6 /48. Without a port.
 */
struct turnpike_addr addr_network(const struct turnpike_addr *addr);

/** addr_is_v4_mapped() - whether @addr is in ::ffff:0:0/96 */
bool addr_is_v4_mapped(const struct turnpike_addr *addr);

/**
 * addr_unmap() - convert an IPv4-mapped IPv6 address to IPv4
 *
 * The port is kept. Any other address is returned as it is.
 */
struct turnpike_addr addr_unmap(const struct turnpike_addr *addr);

/**
 * addr_cidr_parse() - parse a prefix
 * @text: "192.0.2.0/24", "2001:db8::/32", or an address, which stands for its /32 or /128
 * @cidr: the result; host bits of @text are cleared
 *
 * Return: 0, or -EINVAL if @text has another form.
 */
int addr_cidr_parse(const char *text, struct addr_cidr *cidr);

/** addr_host() - the /32 or /128 of @addr, which has a family */
struct addr_cidr addr_host(const struct turnpike_addr *addr);

/** addr_cidr_contains() - whether @addr is in @cidr; false if the families differ */
bool addr_cidr_contains(const struct addr_cidr *cidr, const struct turnpike_addr *addr);

/**
 * addr_cidr_embeds_v4() - whether all addresses of @cidr are IPv6 forms of IPv4 addresses
 *
 * These are IPv4-compatible, -mapped and -translated addresses, and the well-known prefixes of
 * NAT64. The unspecified and the loopback address are not: they only look IPv4-compatible.
 */
bool addr_cidr_embeds_v4(const struct addr_cidr *cidr);

/**
 * addr_range_cut() - cut the largest prefix off the start of a range
 * @first: first address of the range; advanced past the prefix
 * @last:  last address of the range, of the same family and not before @first
 * @cidr:  the prefix
 *
 * Repeat it while it returns true to split a range into prefixes.
 *
 * Return: whether any of the range is left.
 */
bool addr_range_cut(struct turnpike_addr *first, const struct turnpike_addr *last,
		    struct addr_cidr *cidr);

#endif /* TURNPIKE_BASE_ADDR_H */
