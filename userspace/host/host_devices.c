/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_devices.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "host/host_netlink.h"
#include "host/host_route.h"

/** struct search - @socket for route lookups */
struct search {
	const struct host_addresses *host;
	struct nl_sock *sock;
	struct host_devices devices;
};

static bool has_device(const struct host_devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->n; i++) {
		if (strcmp(devices->list[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A device keeps its first use, which is the strongest. */
static int add_device(struct host_devices *devices, const char *name, enum host_device_use use)
{
	struct host_device *device;

	if (has_device(devices, name))
		return 0;
	device = reallocarray(devices->list, devices->n + 1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	devices->list = device;
	device += devices->n++;
	*device = (struct host_device){ .use = use };
	strcpy(device->name, name);
	return 0;
}

/* The kernel's addresses have no zone. */
static bool is_same(const struct host_address *address, const struct turnpike_addr *addr)
{
	const struct turnpike_addr ip = addr_without_zone(addr);
	const unsigned int zone = addr_zone(addr);

	return addr_equal(&address->addr, &ip) && (!zone || zone == address->link.ifindex);
}

/* Other machines cannot send to it. */
static bool is_inward(const struct host_link *link)
{
	return link->kind == HOST_LINK_LOOPBACK || link->kind == HOST_LINK_DUMMY;
}

static void note_inward(struct host_devices *devices, const struct turnpike_addr *addr,
			const char *carrier)
{
	if (devices->inward.family || addr_is_local_only(addr))
		return;
	devices->inward = *addr;
	snprintf(devices->carrier, sizeof(devices->carrier), "%s", carrier);
}

static int add_carriers(struct search *search, const struct turnpike_addr *addr)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < search->host->n && !err; i++) {
		const struct host_address *each = &search->host->list[i];

		if (!is_same(each, addr))
			continue;
		any = true;
		if (is_inward(&each->link))
			note_inward(&search->devices, addr, each->link.name);
		else
			err = add_device(&search->devices, each->link.name, HOST_DEVICE_USED);
	}
	/* A local route delivers its packets here (AnyIP). */
	if (!any)
		note_inward(&search->devices, addr, "");
	return err;
}

static int add_egress(struct search *search, const struct turnpike_addr *addr)
{
	unsigned int ifindex, before = 0;
	char name[IFNAMSIZ];
	int err = 0;

	if (addr_is_local_only(addr))
		return 0;
	for (unsigned int i = 0; i < HOST_ROUTE_SAMPLES && !err; i++) {
		ifindex = host_route_sample(search->sock, addr, i);
		if (!ifindex || ifindex == before || !if_indextoname(ifindex, name))
			continue;
		before = ifindex;
		err = add_device(&search->devices, name, HOST_DEVICE_USED);
	}
	if (!before && !search->devices.unrouted.family)
		search->devices.unrouted = *addr;
	return err;
}

/* Whether clients and peers may be behind it. Bridges and tunnels lead to guests of this host. */
static bool is_network(const struct host_address *address)
{
	const struct host_link *link = &address->link;

	if (is_inward(link) || !link->up || addr_is_local_only(&address->addr))
		return false;
	if (link->kind == HOST_LINK_BRIDGE)
		return link->is_uplink || link->is_default;
	return link->kind != HOST_LINK_TUNNEL || link->is_default;
}

static int add_others(struct search *search)
{
	struct host_devices *devices = &search->devices;
	const bool doubtful = devices->inward.family || devices->unrouted.family;
	int err = 0;

	for (size_t i = 0; i < search->host->n && !err; i++) {
		const struct host_address *each = &search->host->list[i];

		if (is_network(each))
			err = add_device(devices, each->link.name,
					 doubtful ? HOST_DEVICE_GUESS : HOST_DEVICE_ASIDE);
	}
	return err;
}

static int find_all(struct search *search, const struct turnpike_addr *addrs, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct turnpike_addr addr = addr_without_port(&addrs[i]);

		err = add_carriers(search, &addr);
		if (!err)
			err = add_egress(search, &addr);
	}
	return err || n == 0 ? err : add_others(search);
}

int host_devices_find(const struct host_addresses *host, const struct turnpike_addr *addrs,
		      size_t n, struct host_devices *ret)
{
	struct search search = { .host = host };
	int err = host_netlink_open(&search.sock);

	if (err)
		return err;
	err = find_all(&search, addrs, n);
	nl_socket_free(search.sock);
	if (err)
		host_devices_free(&search.devices);
	else
		*ret = search.devices;
	return err;
}

int host_devices_find_all(const struct host_addresses *host, struct host_devices *ret)
{
	struct turnpike_addr *addrs = calloc(host->n + 1, sizeof(*addrs));
	size_t n = 0;
	int err;

	if (!addrs)
		return -ENOMEM;
	for (size_t i = 0; i < host->n; i++) {
		const struct host_address *each = &host->list[i];

		if (is_network(each) ||
		    (is_inward(&each->link) && !addr_is_local_only(&each->addr)))
			addrs[n++] = each->addr;
	}
	err = host_devices_find(host, addrs, n, ret);
	free(addrs);
	return err;
}

void host_devices_free(struct host_devices *devices)
{
	free(devices->list);
	*devices = (struct host_devices){ 0 };
}

static bool has_use(const struct host_devices *devices, enum host_device_use use)
{
	for (size_t i = 0; i < devices->n; i++) {
		if (devices->list[i].use == use)
			return true;
	}
	return false;
}

/** struct sentence - a growing text, cut to @size */
struct sentence {
	char *text;
	size_t size;
};

static void __attribute__((format(printf, 2, 3)))
add(struct sentence *sentence, const char *format, ...)
{
	const size_t used = strlen(sentence->text);
	va_list args;

	va_start(args, format);
	vsnprintf(sentence->text + used, sentence->size - used, format, args);
	va_end(args);
}

static void add_reason(struct sentence *sentence, const struct host_devices *devices)
{
	char text[ADDR_TEXT_MAX];

	if (!devices->inward.family)
		add(sentence, "packets from %s have no default route",
		    addr_format(&devices->unrouted, text));
	else if (devices->carrier[0])
		add(sentence, "%s is on %s, which receives nothing from other machines",
		    addr_format(&devices->inward, text), devices->carrier);
	else
		add(sentence, "%s is on no device", addr_format(&devices->inward, text));
	add(sentence, ", so every device with a network is attached to; name those that count:");
}

static void add_asides(struct sentence *sentence, const struct host_devices *devices)
{
	const char *before = "packets that come in or leave by ";

	for (size_t i = 0; i < devices->n; i++) {
		if (devices->list[i].use != HOST_DEVICE_ASIDE)
			continue;
		add(sentence, "%s%s", before, devices->list[i].name);
		before = " or ";
	}
	add(sentence, " are relayed in user space; to relay them in the kernel:");
}

void host_devices_doubt(const struct host_devices *devices, char *text, size_t size)
{
	struct sentence sentence = { text, size };

	text[0] = '\0';
	if (has_use(devices, HOST_DEVICE_GUESS))
		add_reason(&sentence, devices);
	else if (has_use(devices, HOST_DEVICE_ASIDE))
		add_asides(&sentence, devices);
	else
		return;
	for (size_t i = 0; i < devices->n; i++)
		add(&sentence, " --dev %s", devices->list[i].name);
}
