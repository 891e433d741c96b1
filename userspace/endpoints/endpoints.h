/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file endpoints.h
 * Where to listen and from where to relay, of what is configured and what the host has at the
 * moment.
 *
 * Sockets and flows need exact addresses, so a wildcard stands for those of the host that other
 * machines are likely to reach, and is never bound. No function here makes system calls.
 */
#ifndef TURNPIKE_ENDPOINTS_ENDPOINTS_H
#define TURNPIKE_ENDPOINTS_ENDPOINTS_H

#include <net/if.h>

#include "host/host_addresses.h"
#include "turn/config.h"

/**
 * struct endpoint_name - a local address as configured
 * @addr: without a zone. An IP address of zeros is a wildcard; without a family, of both families
 * @zone: device of a link-local address; else empty
 *
 * Every byte is defined.
 */
struct endpoint_name {
	struct turnpike_addr addr;
	char zone[IFNAMSIZ];
};

/**
 * struct endpoint_rules - what is configured; each array is followed by its length
 * @plain:     UDP and TCP listeners, with ports
 * @secure:    TLS and DTLS listeners, with ports
 * @relays:    relay addresses, without ports or wildcards; none: those of the listeners
 * @externals: public addresses; @addr has no family if the private one is not given
 * @can_bind:  whether an address that the host does not list can be bound all the same: AnyIP
 *             routes and ip_nonlocal_bind do that. NULL: never
 */
struct endpoint_rules {
	const struct endpoint_name *plain;
	size_t n_plain;
	const struct endpoint_name *secure;
	size_t n_secure;
	const struct endpoint_name *relays;
	size_t n_relays;
	const struct turn_relay_address *externals;
	size_t n_externals;
	bool (*can_bind)(const struct turnpike_addr *addr);
};

/** enum endpoint_why - why an address is not served; see endpoint_why_text() */
enum endpoint_why {
	/* What is configured, and waited for. */
	ENDPOINT_ABSENT,
	ENDPOINT_TENTATIVE,
	ENDPOINT_DADFAILED,
	ENDPOINT_DOWN,
	ENDPOINT_NO_ADDRESS,
	ENDPOINT_NO_RELAY,
	ENDPOINT_AMBIGUOUS,
	ENDPOINT_UNBOUND,
	/* What a wildcard leaves out. */
	ENDPOINT_DETECTING,
	ENDPOINT_DUPLICATE,
	ENDPOINT_LINK_DOWN,
	ENDPOINT_NO_CARRIER,
	ENDPOINT_BRIDGE,
	ENDPOINT_TUNNEL,
	ENDPOINT_TEMPORARY,
	ENDPOINT_DEPRECATED,
	ENDPOINT_WHY_MAX,
};

/**
 * struct endpoint_note - an address that is not served
 * @addr: of a listener with its port, else without; a wildcard if the host has nothing for it
 * @dev:  device of the host's address; may be empty
 */
struct endpoint_note {
	struct turnpike_addr addr;
	char dev[IFNAMSIZ];
	enum endpoint_why why;
};

/**
 * struct endpoints - what is served; each array is followed by its length
 * @plain:  UDP and TCP listeners
 * @secure: TLS and DTLS listeners
 * @relays: relay addresses
 * @homes:  the relay addresses of each listener's clients; none if relay addresses are configured
 * @notes:  what is not served, and why
 */
struct endpoints {
	struct turnpike_addr *plain;
	size_t n_plain;
	struct turnpike_addr *secure;
	size_t n_secure;
	struct turn_relay_address *relays;
	size_t n_relays;
	struct turn_home *homes;
	size_t n_homes;
	struct endpoint_note *notes;
	size_t n_notes;
};

/**
 * endpoints_resolve() - determine the endpoints
 * @before: what has been served so far, or NULL. An address in it stays as long as the host has it,
 *          whatever becomes of its link or its lifetimes: clients use it
 * @ret:    release it with endpoints_free()
 *
 * Return: 0 or -ENOMEM.
 */
int endpoints_resolve(const struct endpoint_rules *rules, const struct host_addresses *host,
		      const struct endpoints *before, struct endpoints *ret);

/** endpoints_free() - accepts a zeroed struct */
void endpoints_free(struct endpoints *endpoints);

/** endpoints_note() - add a note, unless it is there already; Return: 0 or -ENOMEM */
int endpoints_note(struct endpoints *endpoints, const struct turnpike_addr *addr, const char *dev,
		   enum endpoint_why why);

/** endpoint_is_wildcard() - whether @addr is 0.0.0.0, ::, or zero without a family */
bool endpoint_is_wildcard(const struct turnpike_addr *addr);

/** endpoint_format() - as addr_format(), and a wildcard of both families as ":PORT" */
const char *endpoint_format(const struct turnpike_addr *addr, char text[static ADDR_TEXT_MAX]);

/** endpoint_is_missing() - whether @why is about what is configured, not about a candidate */
bool endpoint_is_missing(enum endpoint_why why);

/** endpoint_why_text() - the reason, for people */
const char *endpoint_why_text(enum endpoint_why why);

#endif /* TURNPIKE_ENDPOINTS_ENDPOINTS_H */
