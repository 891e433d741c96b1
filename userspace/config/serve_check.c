/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What depends on several options: defaults that follow from others, and contradictions. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/lines.h"
#include "config/serve_config.h"
#include "config/wildcard.h"

static enum cli_status check_relay(const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (!wildcard_is(addr))
		return CLI_OK;
	log_error(
		"--relay-address %s: a wildcard is not allowed here; name each local address, or omit "
		"this option to relay from the listening addresses",
		addr_format(addr, text));
	return CLI_USAGE;
}

/* The listeners of one option. */
struct listeners {
	const char *option;
	struct turnpike_addr **list;
	size_t *n;
	unsigned int transports;
};

#define N_LISTENERS 2

static void listeners_of(struct serve_config *config, struct listeners all[static N_LISTENERS])
{
	all[0] = (struct listeners){ "listen", &config->listen, &config->n_listen,
				     1u << TURN_UDP | 1u << TURN_TCP };
	all[1] = (struct listeners){ "listen-tls", &config->listen_tls, &config->n_listen_tls,
				     1u << TURN_TLS | 1u << TURN_DTLS };
}

static enum cli_status expand_wildcards(const struct listeners *listeners)
{
	struct wildcard_addrs addrs = { *listeners->list, *listeners->n };
	enum cli_status status;
	struct ifaddrs *local;

	if (getifaddrs(&local)) {
		log_error("cannot list the local addresses: %s", strerror(errno));
		return CLI_ERROR;
	}
	status = wildcard_expand(listeners->option, &addrs, local);
	freeifaddrs(local);
	*listeners->list = addrs.list;
	*listeners->n = addrs.n;
	return status;
}

static enum cli_status check_ports(const struct serve_config *config,
				   const struct listeners *listeners)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < *listeners->n; i++) {
		const struct turnpike_addr *addr = &(*listeners->list)[i];
		const uint16_t port = ntohs(addr->port);

		if (port < config->port_lo || port > config->port_hi)
			continue;
		log_error("--%s %s is in the relay port range %u-%u: choose another range with "
			  "--relay-ports",
			  listeners->option, addr_format(addr, text), config->port_lo,
			  config->port_hi);
		return CLI_USAGE;
	}
	return CLI_OK;
}

static enum cli_status check_listeners(const struct serve_config *config,
				       const struct listeners *listeners)
{
	enum cli_status status = CLI_OK;

	if (*listeners->n == 0)
		return CLI_OK;
	if (!(config->transports & listeners->transports)) {
		log_error(
			"--%s serves none of the selected --transports: omit it, or extend the list",
			listeners->option);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < *listeners->n && status == CLI_OK; i++) {
		if (wildcard_is(&(*listeners->list)[i])) {
			status = expand_wildcards(listeners);
			break;
		}
	}
	return status == CLI_OK ? check_ports(config, listeners) : status;
}

/* TLS shares TCP ports with plain TCP, and DTLS shares UDP ports with plain UDP. */
static enum cli_status check_overlap(const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_listen * config->n_listen_tls; i++) {
		const struct turnpike_addr *plain = &config->listen[i / config->n_listen_tls];

		if (!addr_equal(plain, &config->listen_tls[i % config->n_listen_tls]))
			continue;
		log_error("%s is in both --listen and --listen-tls: give one of them another port",
			  addr_format(plain, text));
		return CLI_USAGE;
	}
	return CLI_OK;
}

static enum cli_status check_all_listeners(struct serve_config *config)
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

static enum cli_status check_readable(const char *option, const char *path)
{
	if (access(path, R_OK) == 0)
		return CLI_OK;
	log_error("--%s: cannot read %s: %s", option, path, strerror(errno));
	return CLI_ERROR;
}

static enum cli_status check_certificate(const struct serve_config *config)
{
	enum cli_status status;

	if (!config->cert != !config->key) {
		log_error("--%s is missing: --cert and --key are required together",
			  config->cert ? "key" : "cert");
		return CLI_USAGE;
	}
	if (config->n_listen_tls > 0 && !config->cert) {
		log_error(
			"--listen-tls requires a certificate and its private key: use --cert and --key");
		return CLI_USAGE;
	}
	if (!config->cert)
		return CLI_OK;
	status = check_readable("cert", config->cert);
	if (status == CLI_OK)
		status = check_readable("key", config->key);
	if (status == CLI_OK)
		lines_warn_of_readers(config->key);
	if (status == CLI_OK && config->n_listen_tls == 0)
		log_at(LOG_WARNING, "--cert has no effect without --listen-tls");
	return status;
}

static enum cli_status relay_from(struct serve_config *config, const struct turnpike_addr *list,
				  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct turn_relay_address relay = { .addr = addr_without_port(&list[i]) };

		if (SERVE_CONFIG_APPEND(config, relays, &relay))
			return cli_no_memory();
	}
	return CLI_OK;
}

static enum cli_status check_relays(struct serve_config *config)
{
	enum cli_status status = CLI_OK;

	if (config->n_relays == 0) {
		status = relay_from(config, config->listen, config->n_listen);
		if (status == CLI_OK)
			status = relay_from(config, config->listen_tls, config->n_listen_tls);
	}
	for (size_t i = 0; i < config->n_relays && status == CLI_OK; i++)
		status = check_relay(&config->relays[i].addr);
	return status;
}

/* Without a private address, @external applies to the only relay address of its family. */
static bool matches(const struct turn_relay_address *external, const struct turnpike_addr *relay)
{
	return external->addr.family ? addr_equal(&external->addr, relay)
				     : external->external.family == relay->family;
}

static enum cli_status refuse_external(const struct turn_relay_address *external, size_t n)
{
	char text[ADDR_TEXT_MAX], private[ADDR_TEXT_MAX];

	addr_format(&external->external, text);
	addr_format(&external->addr, private);
	if (n > 1)
		log_error(
			"--external-ip %s is ambiguous: %zu relay addresses have its family; name one, as "
			"in %s/10.0.0.1",
			text, n, text);
	else if (external->addr.family)
		log_error("--external-ip: %s is not a relay address: add --relay-address %s",
			  private, private);
	else
		log_error("--external-ip %s: no relay address has its family: add one with "
			  "--relay-address",
			  text);
	return CLI_USAGE;
}

static enum cli_status apply_external(struct serve_config *config,
				      const struct turn_relay_address *external)
{
	struct turn_relay_address *match = NULL;
	char text[ADDR_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < config->n_relays; i++) {
		if (!matches(external, &config->relays[i].addr))
			continue;
		match = &config->relays[i];
		n++;
	}
	if (n != 1)
		return refuse_external(external, n);
	if (match->external.family) {
		log_error("--external-ip: relay address %s has two public addresses: remove one",
			  addr_format(&match->addr, text));
		return CLI_USAGE;
	}
	match->external = external->external;
	return CLI_OK;
}

static enum cli_status apply_externals(struct serve_config *config)
{
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < config->n_externals && status == CLI_OK; i++)
		status = apply_external(config, &config->externals[i]);
	return status;
}

/* Not an error: a list that was made for another server may have such prefixes. */
static void warn_of_allowed(const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_allow; i++) {
		const struct addr_cidr *cidr = &config->allow[i];

		if (addr_cidr_embeds_v4(cidr))
			log_at(LOG_WARNING,
			       "--allow-peer %s/%u has no effect: these are forms of IPv4 addresses, "
			       "which are never peers; name the IPv4 addresses",
			       addr_format(&cidr->addr, text), cidr->prefix);
	}
}

static enum cli_status check_moves(enum turnpike_mode mode, enum turnpike_moves moves)
{
	if (mode != TURNPIKE_MODE_TC || moves != TURNPIKE_MOVES_TAIL)
		return CLI_OK;
	log_error("mode tc does not support --moves tail: choose head or auto, or another mode");
	return CLI_USAGE;
}

static enum cli_status check_mode(const struct serve_config *config)
{
	enum cli_status status = check_moves(config->mode, config->moves);

	for (size_t i = 0; i < config->n_devices && status == CLI_OK; i++)
		status = check_moves(config->devices[i].mode, config->devices[i].moves);
	if (status != CLI_OK)
		return status;
	if (config->mode != TURNPIKE_MODE_TC && config->hook != TURNPIKE_HOOK_AUTO) {
		log_error("--tc-hook requires --mode tc: add it, or omit --tc-hook");
		return CLI_USAGE;
	}
	return CLI_OK;
}

enum cli_status serve_config_check(struct serve_config *config)
{
	enum cli_status status = check_mode(config);

	warn_of_allowed(config);
	if (status == CLI_OK)
		status = check_all_listeners(config);
	if (status == CLI_OK)
		status = check_certificate(config);
	if (status == CLI_OK)
		status = check_relays(config);
	if (status == CLI_OK)
		status = apply_externals(config);
	return status;
}
