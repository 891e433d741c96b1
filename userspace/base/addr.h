/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file addr.h
 * Transport addresses and prefixes as text, as socket addresses and as sets.
 */
#ifndef TURNPIKE_BASE_ADDR_H
#define TURNPIKE_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <turnpike/addr.h>

/** Room for the longest text of addr_format(), with its terminating NUL. */
#define ADDR_TEXT_MAX 64

/**
 * struct addr_cidr - a set of IP addresses that begin with the same bits
 * @addr:   the first address of the set: all bits after the prefix are zero, and so is the port
 * @prefix: number of leading bits that count, 0 to 32 (IPv4) or 0 to 128 (IPv6)
 */
struct addr_cidr {
	struct turnpike_addr addr;
	unsigned int prefix;
};

/**
 * addr_parse() - read an address, with or without a port
 * @text: "192.0.2.1", "192.0.2.1:3478", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:3478"
 * @addr: the result; its port is 0 if @text has none
 *
 * An IPv4-mapped IPv6 address stays an IPv6 address. Names and zones are not accepted.
 *
 * Return: 0, or -EINVAL if @text is anything else.
 */
int addr_parse(const char *text, struct turnpike_addr *addr);

/**
 * addr_format() - write an address in the form that addr_parse() reads
 * @addr: the address; its port is written if it is not 0, and then an IPv6 address is in brackets
 * @text: room for the result, which is "-" if @addr has no family
 *
 * Return: @text.
 */
const char *addr_format(const struct turnpike_addr *addr, char text[static ADDR_TEXT_MAX]);

/**
 * addr_from_sockaddr() - take over an address from the socket API
 * @sa:   an address of AF_INET or AF_INET6; scope and flow label are not kept
 * @addr: the result; an IPv4-mapped IPv6 address stays an IPv6 address
 *
 * Return: 0, or -EAFNOSUPPORT for any other family.
 */
int addr_from_sockaddr(const struct sockaddr_storage *sa, struct turnpike_addr *addr);

/**
 * addr_to_sockaddr() - hand an address to the socket API
 * @addr: the address
 * @sa:   the result, every byte of it defined
 *
 * Return: the length in bytes that belongs to @sa, or 0 (and @sa untouched) if @addr has no family.
 */
socklen_t addr_to_sockaddr(const struct turnpike_addr *addr, struct sockaddr_storage *sa);

/** addr_len() - the number of bytes of @addr->ip that count: 4 or 16, or 0 without a family. */
size_t addr_len(const struct turnpike_addr *addr);

/** addr_equal() - true if IP address, family and port are the same. */
bool addr_equal(const struct turnpike_addr *a, const struct turnpike_addr *b);

/** addr_without_port() - the IP address of @addr alone, with port 0. */
struct turnpike_addr addr_without_port(const struct turnpike_addr *addr);

/** addr_is_v4_mapped() - true if @addr is an IPv6 address of ::ffff:0:0/96. */
bool addr_is_v4_mapped(const struct turnpike_addr *addr);

/**
 * addr_unmap() - the IPv4 address that an IPv4-mapped IPv6 address stands for
 *
 * The port is kept. Every other address is returned as it is.
 */
struct turnpike_addr addr_unmap(const struct turnpike_addr *addr);

/**
 * addr_cidr_parse() - read a prefix
 * @text: "192.0.2.0/24", "2001:db8::/32", or an address alone, which is a set of one
 * @cidr: the result; bits of @text after the prefix are cleared
 *
 * Return: 0, or -EINVAL if @text is anything else.
 */
int addr_cidr_parse(const char *text, struct addr_cidr *cidr);

/** addr_cidr_contains() - true if @addr is of the family of @cidr and begins with its bits. */
bool addr_cidr_contains(const struct addr_cidr *cidr, const struct turnpike_addr *addr);

/**
 * addr_range_cut() - cut the largest prefix off the beginning of a range
 * @first: the first address of the range; afterwards the one behind the prefix
 * @last:  the last address, of the same family and not before @first
 * @cidr:  the prefix
 *
 * Return: whether something is left of the range. To get all prefixes of a range, go on while it
 * is.
 */
bool addr_range_cut(struct turnpike_addr *first, const struct turnpike_addr *last,
		    struct addr_cidr *cidr);

#endif /* TURNPIKE_BASE_ADDR_H */
