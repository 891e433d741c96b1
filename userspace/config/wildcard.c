/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/array.h"
#include "config/wildcard.h"
#include "private/array_len.h"

/* By address, not by device: a loopback device may carry addresses that others can reach. */
static bool is_local_only(const struct turnpike_addr *addr)
{
	static const char *const prefixes[] = { "127.0.0.0/8", "169.254.0.0/16", "::1",
						"fe80::/10" };
	struct addr_cidr cidr;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (!addr_cidr_parse(prefixes[i], &cidr) && addr_cidr_contains(&cidr, addr))
			return true;
	}
	return false;
}

bool wildcard_is(const struct turnpike_addr *addr)
{
	static const __u8 zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* Whether @wildcard covers the address of @local; then that is in @addr. */
static bool covers(const struct turnpike_addr *wildcard, const struct ifaddrs *local,
		   struct turnpike_addr *addr)
{
	struct sockaddr_storage sa = { 0 };

	if (!local->ifa_addr || !(local->ifa_flags & IFF_UP))
		return false;
	if (local->ifa_addr->sa_family == AF_INET)
		memcpy(&sa, local->ifa_addr, sizeof(struct sockaddr_in));
	else if (local->ifa_addr->sa_family == AF_INET6)
		memcpy(&sa, local->ifa_addr, sizeof(struct sockaddr_in6));
	if (addr_from_sockaddr(&sa, addr) || is_local_only(addr))
		return false;
	if (wildcard->family && wildcard->family != addr->family)
		return false;
	addr->port = wildcard->port;
	return true;
}

static const char *format(const struct turnpike_addr *wildcard, char text[static ADDR_TEXT_MAX])
{
	if (wildcard->family)
		return addr_format(wildcard, text);
	snprintf(text, ADDR_TEXT_MAX, ":%u", ntohs(wildcard->port));
	return text;
}

static enum cli_status append(struct wildcard_addrs *addrs, const struct turnpike_addr *addr)
{
	void *grown = array_append(addrs->list, &addrs->n, addr, sizeof(*addr));

	if (!grown)
		return cli_no_memory();
	addrs->list = grown;
	return CLI_OK;
}

static enum cli_status expand_one(const char *option, const struct turnpike_addr *wildcard,
				  const struct ifaddrs *local, struct wildcard_addrs *result)
{
	char text[ADDR_TEXT_MAX], found[ADDR_TEXT_MAX];
	enum cli_status status = CLI_OK;
	struct turnpike_addr addr;
	size_t n = 0;

	format(wildcard, text);
	for (; local && status == CLI_OK; local = local->ifa_next) {
		if (!covers(wildcard, local, &addr))
			continue;
		log_at(LOG_INFO, "--%s %s: using %s on %s", option, text, addr_format(&addr, found),
		       local->ifa_name);
		status = append(result, &addr);
		n++;
	}
	if (n > 0)
		return status;
	log_error("--%s %s: no interface that is up has a reachable address of this kind: see 'ip "
		  "address'",
		  option, text);
	return CLI_USAGE;
}

enum cli_status wildcard_expand(const char *option, struct wildcard_addrs *addrs,
				const struct ifaddrs *local)
{
	struct wildcard_addrs result = { 0 };
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < addrs->n && status == CLI_OK; i++) {
		const struct turnpike_addr *addr = &addrs->list[i];

		status = wildcard_is(addr) ? expand_one(option, addr, local, &result)
					   : append(&result, addr);
	}
	if (status != CLI_OK) {
		free(result.list);
		return status;
	}
	free(addrs->list);
	*addrs = result;
	return CLI_OK;
}
