/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "datapath/devices.h"

static bool carries(const struct ifaddrs *entry, const struct turnpike_addr *addr)
{
	struct turnpike_addr found, wanted = addr_without_port(addr);
	struct sockaddr_storage sa = { 0 };

	if (!entry->ifa_addr)
		return false;
	if (entry->ifa_addr->sa_family == AF_INET)
		memcpy(&sa, entry->ifa_addr, sizeof(struct sockaddr_in));
	else if (entry->ifa_addr->sa_family == AF_INET6)
		memcpy(&sa, entry->ifa_addr, sizeof(struct sockaddr_in6));
	return addr_from_sockaddr(&sa, &found) == 0 && addr_equal(&found, &wanted);
}

int devices_carrying(const struct turnpike_addr *addr, int (*fn)(const char *name, void *arg),
		     void *arg)
{
	char name[IFNAMSIZ];
	struct ifaddrs *all;
	int err = -ENODEV;

	if (getifaddrs(&all))
		return -errno;
	for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next) {
		if (!carries(entry, addr))
			continue;
		/* The name of an IPv4 address may be its label, "device:suffix". */
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry->ifa_name, ":"),
			 entry->ifa_name);
		err = fn(name, arg);
		if (err)
			break;
	}
	freeifaddrs(all);
	return err;
}
