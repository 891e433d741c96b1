/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and reasons for people. */
#include "endpoints/endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

static const char *const texts[ENDPOINT_WHY_MAX] = {
	[ENDPOINT_ABSENT] = "the host does not have this address; it is served once it has",
	[ENDPOINT_TENTATIVE] = "duplicate address detection runs; it is served afterwards",
	[ENDPOINT_DADFAILED] = "another host has this address: remove it from one of them",
	[ENDPOINT_DOWN] = "its device is down; it is served once it is up: 'ip link set ... up'",
	[ENDPOINT_NO_ADDRESS] = "the host has no suitable address yet; see 'ip address'",
	[ENDPOINT_NO_RELAY] = "no relay address belongs to this public address yet",
	[ENDPOINT_AMBIGUOUS] =
		"several relay addresses have its family: name one, as in 203.0.113.1/10.0.0.1",
	[ENDPOINT_UNBOUND] = "it cannot be bound; the log says why",
	[ENDPOINT_DETECTING] = "duplicate address detection runs; it is served afterwards",
	[ENDPOINT_DUPLICATE] = "another host has this address",
	[ENDPOINT_LINK_DOWN] = "the device is down",
	[ENDPOINT_NO_CARRIER] = "the device has no carrier",
	[ENDPOINT_BRIDGE] =
		"a bridge of containers or virtual machines, by which no default route leaves",
	[ENDPOINT_TUNNEL] = "a tunnel, by which no default route leaves",
	[ENDPOINT_TEMPORARY] = "a temporary address",
	[ENDPOINT_DEPRECATED] = "a deprecated address",
};

const char *endpoint_why_text(enum endpoint_why why)
{
	return texts[why];
}

bool endpoint_is_missing(enum endpoint_why why)
{
	return why < ENDPOINT_DETECTING;
}

bool endpoint_is_wildcard(const struct turnpike_addr *addr)
{
	static const __u8 zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

const char *endpoint_format(const struct turnpike_addr *addr, char text[static ADDR_TEXT_MAX])
{
	if (addr->family)
		return addr_format(addr, text);
	snprintf(text, ADDR_TEXT_MAX, ":%u", ntohs(addr->port));
	return text;
}

int endpoints_note(struct endpoints *endpoints, const struct turnpike_addr *addr, const char *dev,
		   enum endpoint_why why)
{
	struct endpoint_note note = { .addr = *addr, .why = why };
	void *grown;

	snprintf(note.dev, sizeof(note.dev), "%s", dev);
	grown = array_append(endpoints->notes, &endpoints->n_notes, &note, sizeof(note));
	if (!grown)
		return -ENOMEM;
	endpoints->notes = grown;
	return 0;
}
