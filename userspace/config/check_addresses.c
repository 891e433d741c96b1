/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/check_addresses.h"
#include "private/array_len.h"

/** struct use - what an address is used for: its option, and what it must not be */
struct use {
	const char *option;
	bool may_be_wildcard;
	bool must_be_reachable;
};

/* Prefixes that nothing can be bound to, or reached at. */
static const struct {
	const char *prefix;
	const char *what;
	bool is_bindable;
} unusable[] = {
	{ "224.0.0.0/4", "a multicast address", false },
	{ "ff00::/8", "a multicast address", false },
	{ "255.255.255.255", "the broadcast address", false },
	{ "0.0.0.0/8", "no address of a host", false },
	{ "::/128", "no address of a host", false },
	{ "127.0.0.0/8", "a loopback address", true },
	{ "::1", "a loopback address", true },
	{ "169.254.0.0/16", "a link-local address", true },
	{ "fe80::/10", "a link-local address", true },
};

static enum cli_status check_use(const struct use *use, const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];
	struct addr_cidr cidr;

	if (use->may_be_wildcard && endpoint_is_wildcard(addr))
		return CLI_OK;
	for (size_t i = 0; i < ARRAY_LEN(unusable); i++) {
		if ((unusable[i].is_bindable && !use->must_be_reachable) ||
		    addr_cidr_parse(unusable[i].prefix, &cidr) || !addr_cidr_contains(&cidr, addr))
			continue;
		log_error("--%s %s is %s: use %s", use->option, endpoint_format(addr, text),
			  unusable[i].what,
			  use->must_be_reachable ? "an address that others can reach"
						 : "an address from 'ip address'");
		return CLI_USAGE;
	}
	return CLI_OK;
}

static enum cli_status check_name(const struct use *use, const struct endpoint_name *name)
{
	char text[ADDR_TEXT_MAX];
	enum cli_status status = check_use(use, &name->addr);

	if (status != CLI_OK || !addr_is_link_local(&name->addr) || name->zone[0])
		return status;
	log_error("--%s %s is a link-local address: append its device, as in [fe80::1%%eth0]",
		  use->option, addr_format(&name->addr, text));
	return CLI_USAGE;
}

/* The listeners of one option. */
struct listeners {
	const char *option;
	const struct endpoint_name *list;
	size_t n;
	unsigned int transports;
};

#define N_LISTENERS 2

static void listeners_of(const struct serve_config *config,
			 struct listeners all[static N_LISTENERS])
{
	all[0] = (struct listeners){ "listen", config->listen, config->n_listen,
				     1u << TURN_UDP | 1u << TURN_TCP };
	all[1] = (struct listeners){ "listen-tls", config->listen_tls, config->n_listen_tls,
				     1u << TURN_TLS | 1u << TURN_DTLS };
}

static enum cli_status check_listener(const struct serve_config *config, const char *option,
				      const struct endpoint_name *name)
{
	const struct use use = { .option = option, .may_be_wildcard = true };
	const uint16_t port = ntohs(name->addr.port);
	char text[ADDR_TEXT_MAX];

	if (port < config->port_lo || port > config->port_hi)
		return check_name(&use, name);
	log_error("--%s %s is in the relay port range %u-%u: choose another range with "
		  "--relay-ports",
		  option, endpoint_format(&name->addr, text), config->port_lo, config->port_hi);
	return CLI_USAGE;
}

static enum cli_status check_listeners(const struct serve_config *config,
				       const struct listeners *listeners)
{
	enum cli_status status = CLI_OK;

	if (listeners->n == 0)
		return CLI_OK;
	if (!(config->transports & listeners->transports)) {
		log_error(
			"--%s serves none of the selected --transports: omit it, or extend the list",
			listeners->option);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < listeners->n && status == CLI_OK; i++)
		status = check_listener(config, listeners->option, &listeners->list[i]);
	return status;
}

/* TLS shares TCP ports with plain TCP, and DTLS shares UDP ports with plain UDP. */
static bool overlap(const struct endpoint_name *a, const struct endpoint_name *b)
{
	if (a->addr.port != b->addr.port)
		return false;
	if (!endpoint_is_wildcard(&a->addr) && !endpoint_is_wildcard(&b->addr))
		return memcmp(a, b, sizeof(*a)) == 0;
	return !a->addr.family || !b->addr.family || a->addr.family == b->addr.family;
}

static enum cli_status check_overlap(const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_listen * config->n_listen_tls; i++) {
		const struct endpoint_name *plain = &config->listen[i / config->n_listen_tls];

		if (!overlap(plain, &config->listen_tls[i % config->n_listen_tls]))
			continue;
		log_error("%s is in both --listen and --listen-tls: give one of them another port",
			  endpoint_format(&plain->addr, text));
		return CLI_USAGE;
	}
	return CLI_OK;
}

static enum cli_status check_all_listeners(const struct serve_config *config)
{
	struct listeners all[N_LISTENERS];
	enum cli_status status = CLI_OK;

	if (config->n_listen + config->n_listen_tls == 0) {
		log_error("no listening address: use --listen ADDR:PORT with an address from 'ip "
			  "address', or --listen :3478 for all of them");
		return CLI_USAGE;
	}
	listeners_of(config, all);
	for (size_t i = 0; i < N_LISTENERS && status == CLI_OK; i++)
		status = check_listeners(config, &all[i]);
	return status == CLI_OK ? check_overlap(config) : status;
}

static enum cli_status check_relays(const struct serve_config *config)
{
	static const struct use use = { .option = "relay-address" };
	enum cli_status status = CLI_OK;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_relays && status == CLI_OK; i++) {
		const struct endpoint_name *name = &config->relays[i];

		if (!endpoint_is_wildcard(&name->addr)) {
			status = check_name(&use, name);
			continue;
		}
		log_error("--relay-address %s: a wildcard is not allowed here; name each local "
			  "address, or omit this option to relay from the listening addresses",
			  addr_format(&name->addr, text));
		status = CLI_USAGE;
	}
	return status;
}

/* Relay addresses that are configured, or could result from wildcards. */
struct named_relays {
	size_t n; /* that @external could belong to */
	bool has_wildcard;
};

static void count_match(const struct turn_relay_address *external,
			const struct turnpike_addr *relay, struct named_relays *ret)
{
	const struct turnpike_addr addr = addr_without_port(relay);

	if (endpoint_is_wildcard(&addr))
		ret->has_wildcard |= !addr.family || addr.family == external->external.family;
	else if (external->addr.family ? addr_equal(&external->addr, &addr)
				       : external->external.family == addr.family)
		ret->n++;
}

static const struct endpoint_name *listener_at(const struct serve_config *config, size_t i)
{
	return i < config->n_listen ? &config->listen[i]
				    : &config->listen_tls[i - config->n_listen];
}

/* A listening address may occur with several ports. */
static bool is_repeated(const struct serve_config *config, size_t i)
{
	const struct turnpike_addr *addr = &listener_at(config, i)->addr;

	while (i-- > 0) {
		if (addr_same_ip(addr, &listener_at(config, i)->addr))
			return true;
	}
	return false;
}

static struct named_relays find_named(const struct serve_config *config,
				      const struct turn_relay_address *external)
{
	const size_t n_listeners = config->n_listen + config->n_listen_tls;
	struct named_relays named = { 0 };

	for (size_t i = 0; i < config->n_relays; i++)
		count_match(external, &config->relays[i].addr, &named);
	for (size_t i = 0; i < n_listeners && config->n_relays == 0; i++) {
		if (!is_repeated(config, i))
			count_match(external, &listener_at(config, i)->addr, &named);
	}
	return named;
}

static enum cli_status check_external(const struct serve_config *config,
				      const struct turn_relay_address *external)
{
	char text[ADDR_TEXT_MAX], private[ADDR_TEXT_MAX];
	const struct named_relays named = find_named(config, external);

	addr_format(&external->external, text);
	addr_format(&external->addr, private);
	if (named.has_wildcard || named.n == 1)
		return CLI_OK;
	if (named.n > 1)
		log_error(
			"--external-ip %s is ambiguous: %zu relay addresses have its family; name one, as "
			"in %s/10.0.0.1",
			text, named.n, text);
	else if (external->addr.family)
		log_error("--external-ip: %s is not a relay address: add --relay-address %s",
			  private, private);
	else
		log_error("--external-ip %s: no relay address has its family: add one with "
			  "--relay-address",
			  text);
	return CLI_USAGE;
}

/* Values are distinct, so two with one address in common contradict each other. */
static enum cli_status check_pair(const struct turn_relay_address *a,
				  const struct turn_relay_address *b)
{
	char text[ADDR_TEXT_MAX];

	if (addr_equal(&a->external, &b->external)) {
		log_error("--external-ip %s is the public address of two relay addresses: peers "
			  "would reach one of them only; remove one",
			  addr_format(&a->external, text));
		return CLI_USAGE;
	}
	if (addr_equal(&a->addr, &b->addr) &&
	    (a->addr.family || a->external.family == b->external.family)) {
		log_error("--external-ip: relay address %s has two public addresses: remove one",
			  addr_format(a->addr.family ? &a->addr : &a->external, text));
		return CLI_USAGE;
	}
	return CLI_OK;
}

static enum cli_status check_externals(const struct serve_config *config)
{
	static const struct use public = { .option = "external-ip", .must_be_reachable = true };
	static const struct use private = { .option = "external-ip" };
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < config->n_externals && status == CLI_OK; i++) {
		const struct turn_relay_address *external = &config->externals[i];

		status = check_use(&public, &external->external);
		if (status == CLI_OK && external->addr.family)
			status = check_use(&private, &external->addr);
		for (size_t j = 0; j < i && status == CLI_OK; j++)
			status = check_pair(&config->externals[j], external);
		if (status == CLI_OK)
			status = check_external(config, external);
	}
	return status;
}

static enum cli_status check_alternates(const struct serve_config *config)
{
	static const struct use use = { .option = "alternate-server", .must_be_reachable = true };
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < config->n_alternates && status == CLI_OK; i++)
		status = check_use(&use, &config->alternates[i]);
	return status;
}

enum cli_status check_addresses(const struct serve_config *config)
{
	static enum cli_status (*const checks[])(const struct serve_config *config) = {
		check_all_listeners,
		check_relays,
		check_externals,
		check_alternates,
	};
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < ARRAY_LEN(checks) && status == CLI_OK; i++)
		status = checks[i](config);
	return status;
}

struct endpoint_rules serve_config_rules(const struct serve_config *config)
{
	return (struct endpoint_rules){
		.plain = config->listen,
		.n_plain = config->n_listen,
		.secure = config->listen_tls,
		.n_secure = config->n_listen_tls,
		.relays = config->relays,
		.n_relays = config->n_relays,
		.externals = config->externals,
		.n_externals = config->n_externals,
	};
}

static void add_low_ports(const struct endpoint_name *names, size_t n, bool *ports)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned int port = ntohs(names[i].addr.port);

		if (port < IPPORT_RESERVED)
			ports[port] = true;
	}
}

void serve_config_low_ports(const struct serve_config *config, bool ports[static IPPORT_RESERVED])
{
	memset(ports, 0, IPPORT_RESERVED * sizeof(*ports));
	add_low_ports(config->listen, config->n_listen, ports);
	add_low_ports(config->listen_tls, config->n_listen_tls, ports);
	for (unsigned int port = config->port_lo; port <= config->port_hi && port < IPPORT_RESERVED;
	     port++)
		ports[port] = true;
}
