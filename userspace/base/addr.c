/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "private/array_len.h"

/** Parses decimal digits only; strtoul() would accept spaces and signs. */
static int parse_number(const char *text, unsigned int max, unsigned int *number)
{
	unsigned int value = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned int)(*text - '0');
		if (value > max)
			return -EINVAL;
	}
	*number = value;
	return 0;
}

static int parse_ip(const char *text, size_t len, struct turnpike_addr *addr)
{
	struct turnpike_addr result = { 0 };
	char ip[INET6_ADDRSTRLEN];

	if (len >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET, ip, result.ip) == 1)
		result.family = TURNPIKE_IPV4;
	else if (inet_pton(AF_INET6, ip, result.ip) == 1)
		result.family = TURNPIKE_IPV6;
	else
		return -EINVAL;
	*addr = result;
	return 0;
}

/** Splits @text into the IP address (@len bytes) and the @port, or NULL if there is none. */
static int split_port(const char **text, size_t *len, const char **port)
{
	const char *colon = strchr(*text, ':');
	const char *close;

	*port = NULL;
	*len = strlen(*text);
	if (**text == '[') {
		close = strchr(*text, ']');
		if (!close || (close[1] != '\0' && close[1] != ':'))
			return -EINVAL;
		if (close[1] == ':')
			*port = close + 2;
		(*text)++;
		*len = (size_t)(close - *text);
	} else if (colon && !strchr(colon + 1, ':')) {
		*port = colon + 1;
		*len = (size_t)(colon - *text);
	}
	return 0;
}

int addr_parse(const char *text, struct turnpike_addr *addr)
{
	bool bracketed = *text == '[';
	struct turnpike_addr result;
	unsigned int number = 0;
	const char *port;
	size_t len;

	if (split_port(&text, &len, &port) || parse_ip(text, len, &result))
		return -EINVAL;
	if (bracketed && result.family != TURNPIKE_IPV6)
		return -EINVAL;
	if (port && parse_number(port, UINT16_MAX, &number))
		return -EINVAL;
	if (addr_zone(&result) || (port && number == 0))
		return -EINVAL;
	result.port = htons((uint16_t)number);
	*addr = result;
	return 0;
}

/** Appends the name of the zone, or its number if the device is gone. */
static void append_zone(unsigned int zone, char *ip, size_t size)
{
	const size_t len = strlen(ip);
	char name[IFNAMSIZ];

	if (if_indextoname(zone, name))
		snprintf(ip + len, size - len, "%%%s", name);
	else
		snprintf(ip + len, size - len, "%%%u", zone);
}

const char *addr_format(const struct turnpike_addr *addr, char text[static ADDR_TEXT_MAX])
{
	const struct turnpike_addr plain = addr_without_zone(addr);
	char ip[INET6_ADDRSTRLEN + IFNAMSIZ];
	unsigned int port = ntohs(addr->port);

	if (addr->family != TURNPIKE_IPV4 && addr->family != TURNPIKE_IPV6)
		return strcpy(text, "-");
	inet_ntop(addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6, plain.ip, ip, sizeof(ip));
	if (addr_zone(addr))
		append_zone(addr_zone(addr), ip, sizeof(ip));
	if (port == 0)
		snprintf(text, ADDR_TEXT_MAX, "%s", ip);
	else if (addr->family == TURNPIKE_IPV4)
		snprintf(text, ADDR_TEXT_MAX, "%s:%u", ip, port);
	else
		snprintf(text, ADDR_TEXT_MAX, "[%s]:%u", ip, port);
	return text;
}

int addr_from_sockaddr(const struct sockaddr_storage *sa, struct turnpike_addr *addr)
{
	struct turnpike_addr result = { 0 };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (sa->ss_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(result.ip, &in.sin_addr, sizeof(in.sin_addr));
		result.port = in.sin_port;
		result.family = TURNPIKE_IPV4;
	} else if (sa->ss_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(result.ip, &in6.sin6_addr, sizeof(in6.sin6_addr));
		result.port = in6.sin6_port;
		result.family = TURNPIKE_IPV6;
		result = addr_with_zone(&result, in6.sin6_scope_id);
	} else {
		return -EAFNOSUPPORT;
	}
	*addr = result;
	return 0;
}

socklen_t addr_to_sockaddr(const struct turnpike_addr *addr, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = addr->port };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = addr->port };

	if (addr->family == TURNPIKE_IPV4) {
		memcpy(&in.sin_addr, addr->ip, sizeof(in.sin_addr));
		memset(sa, 0, sizeof(*sa));
		memcpy(sa, &in, sizeof(in));
		return sizeof(in);
	}
	if (addr->family == TURNPIKE_IPV6) {
		const struct turnpike_addr plain = addr_without_zone(addr);

		memcpy(&in6.sin6_addr, plain.ip, sizeof(in6.sin6_addr));
		in6.sin6_scope_id = addr_zone(addr);
		memset(sa, 0, sizeof(*sa));
		memcpy(sa, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

size_t addr_len(const struct turnpike_addr *addr)
{
	if (addr->family == TURNPIKE_IPV4)
		return 4;
	return addr->family == TURNPIKE_IPV6 ? 16 : 0;
}

bool addr_equal(const struct turnpike_addr *a, const struct turnpike_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool addr_same_ip(const struct turnpike_addr *a, const struct turnpike_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_list_has(const struct turnpike_addr *list, size_t n, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (addr_equal(&list[i], addr))
			return true;
	}
	return false;
}

bool addr_is_loopback(const struct turnpike_addr *addr)
{
	static const uint8_t ip6[16] = { [15] = 1 };

	if (addr->family == TURNPIKE_IPV4)
		return addr->ip[0] == 127;
	return addr->family == TURNPIKE_IPV6 && memcmp(addr->ip, ip6, sizeof(ip6)) == 0;
}

bool addr_is_local_only(const struct turnpike_addr *addr)
{
	if (addr->family == TURNPIKE_IPV4 && addr->ip[0] == 169 && addr->ip[1] == 254)
		return true;
	return addr_is_loopback(addr) || addr_is_link_local(addr);
}

/** Where a link-local address contains its zone, in network byte order. */
#define ZONE_OFFSET 4

bool addr_is_link_local(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

unsigned int addr_zone(const struct turnpike_addr *addr)
{
	uint32_t zone;

	if (!addr_is_link_local(addr))
		return 0;
	memcpy(&zone, addr->ip + ZONE_OFFSET, sizeof(zone));
	return ntohl(zone);
}

struct turnpike_addr addr_with_zone(const struct turnpike_addr *addr, unsigned int ifindex)
{
	const uint32_t zone = htonl(ifindex);
	struct turnpike_addr result = *addr;

	if (addr_is_link_local(addr))
		memcpy(result.ip + ZONE_OFFSET, &zone, sizeof(zone));
	return result;
}

struct turnpike_addr addr_without_zone(const struct turnpike_addr *addr)
{
	return addr_with_zone(addr, 0);
}

struct turnpike_addr addr_without_port(const struct turnpike_addr *addr)
{
	struct turnpike_addr ip = *addr;

	ip.port = 0;
	return ip;
}

/* Keeps @v4 or @v6 bytes. */
static struct turnpike_addr prefix_of(const struct turnpike_addr *addr, size_t v4, size_t v6)
{
	struct turnpike_addr prefix = { .family = addr->family };

	memcpy(prefix.ip, addr->ip, addr->family == TURNPIKE_IPV4 ? v4 : v6);
	return prefix;
}

struct turnpike_addr addr_source(const struct turnpike_addr *addr)
{
	return prefix_of(addr, 4, 8);
}

struct turnpike_addr addr_network(const struct turnpike_addr *addr)
{
	return prefix_of(addr, 3, 6);
}

bool addr_is_v4_mapped(const struct turnpike_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return addr->family == TURNPIKE_IPV6 && memcmp(addr->ip, mapped, sizeof(mapped)) == 0;
}

struct turnpike_addr addr_unmap(const struct turnpike_addr *addr)
{
	struct turnpike_addr v4 = { .port = addr->port, .family = TURNPIKE_IPV4 };

	if (!addr_is_v4_mapped(addr))
		return *addr;
	memcpy(v4.ip, addr->ip + 12, 4);
	return v4;
}

static bool bit_is_set(const uint8_t *bytes, unsigned int bit)
{
	return bytes[bit / 8] & (0x80 >> bit % 8);
}

static void clear_bits_from(uint8_t *bytes, unsigned int bit, unsigned int end)
{
	for (; bit < end; bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

int addr_cidr_parse(const char *text, struct addr_cidr *cidr)
{
	const char *slash = strchr(text, '/');
	struct addr_cidr result;
	unsigned int bits;

	if (parse_ip(text, slash ? (size_t)(slash - text) : strlen(text), &result.addr))
		return -EINVAL;
	bits = 8 * (unsigned int)addr_len(&result.addr);
	result.prefix = bits;
	if (slash && parse_number(slash + 1, bits, &result.prefix))
		return -EINVAL;
	clear_bits_from(result.addr.ip, result.prefix, bits);
	*cidr = result;
	return 0;
}

struct addr_cidr addr_host(const struct turnpike_addr *addr)
{
	return (struct addr_cidr){ addr_without_port(addr), 8 * (unsigned int)addr_len(addr) };
}

bool addr_cidr_contains(const struct addr_cidr *cidr, const struct turnpike_addr *addr)
{
	unsigned int whole = cidr->prefix / 8;

	if (addr->family != cidr->addr.family || memcmp(addr->ip, cidr->addr.ip, whole) != 0)
		return false;
	for (unsigned int bit = whole * 8; bit < cidr->prefix; bit++) {
		if (bit_is_set(addr->ip, bit) != bit_is_set(cidr->addr.ip, bit))
			return false;
	}
	return true;
}

static bool is_within(const struct addr_cidr *cidr, const struct addr_cidr *outer)
{
	return cidr->prefix >= outer->prefix && addr_cidr_contains(outer, &cidr->addr);
}

bool addr_cidr_embeds_v4(const struct addr_cidr *cidr)
{
	static const struct addr_cidr first_two = { .addr.family = TURNPIKE_IPV6, .prefix = 127 };
	static const struct addr_cidr embeddings[] = {
		/* IPv4-compatible and -mapped: RFC 4291 section 2.5.5 */
		{ { .family = TURNPIKE_IPV6 }, 96 },
		{ { .family = TURNPIKE_IPV6, .ip = { [10] = 0xff, 0xff } }, 96 },
		/* IPv4-translated: RFC 2765 section 2.1 */
		{ { .family = TURNPIKE_IPV6, .ip = { [8] = 0xff, 0xff } }, 96 },
		/* NAT64: RFC 6052 section 2.1, RFC 8215 */
		{ { .family = TURNPIKE_IPV6, .ip = { 0x00, 0x64, 0xff, 0x9b } }, 96 },
		{ { .family = TURNPIKE_IPV6, .ip = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 } }, 48 },
	};

	if (is_within(cidr, &first_two))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
		if (is_within(cidr, &embeddings[i]))
			return true;
	}
	return false;
}

static struct turnpike_addr last_of(const struct addr_cidr *cidr)
{
	struct turnpike_addr last = cidr->addr;

	for (unsigned int bit = cidr->prefix; bit < 8 * addr_len(&last); bit++)
		last.ip[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return last;
}

static void increment(struct turnpike_addr *addr)
{
	for (size_t i = addr_len(addr); i-- > 0 && ++addr->ip[i] == 0;)
		;
}

bool addr_range_cut(struct turnpike_addr *first, const struct turnpike_addr *last,
		    struct addr_cidr *cidr)
{
	struct addr_cidr wider = addr_host(first);
	struct turnpike_addr end;

	do {
		*cidr = wider;
		end = last_of(cidr);
		wider.prefix--;
	} while (cidr->prefix > 0 && !bit_is_set(first->ip, wider.prefix) &&
		 memcmp(last_of(&wider).ip, last->ip, sizeof(last->ip)) <= 0);
	if (memcmp(end.ip, last->ip, sizeof(end.ip)) == 0)
		return false;
	*first = end;
	increment(first);
	return true;
}
