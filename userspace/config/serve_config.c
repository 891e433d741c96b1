/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "config/lines.h"
#include "config/serve_config.h"
#include "config/serve_setters.h"
#include "config/wildcard.h"
#include "base/log.h"

void *serve_config_append(void *array, size_t *n, const void *item, size_t size)
{
	char *grown = array;

	for (size_t i = 0; i < *n; i++) {
		if (memcmp(grown + i * size, item, size) == 0)
			return array;
	}
	grown = reallocarray(array, *n + 1, size);
	if (!grown)
		return NULL;
	memcpy(grown + *n * size, item, size);
	(*n)++;
	return grown;
}

static void free_arguments(struct serve_config *config)
{
	for (int i = 0; i < config->argc; i++) {
		explicit_bzero(config->argv[i], strlen(config->argv[i]));
		free(config->argv[i]);
	}
	free(config->argv);
}

void serve_config_free(struct serve_config *config)
{
	free_arguments(config);
	serve_users_free(config->users, config->n_users);
	serve_secrets_free(config->secrets, config->n_secrets);
	free(config->devices);
	free(config->listen);
	free(config->listen_tls);
	free(config->alternates);
	free(config->relays);
	free(config->externals);
	free(config->allow);
	free(config->deny);
	free(config->cert);
	free(config->key);
	free(config->run_as);
	free(config->realm);
	free(config->control);
}

static enum cli_status check_relay(const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (!wildcard_is(addr))
		return CLI_OK;
	log_error(
		"--relay-address %s: name each address of this machine that is meant, or leave this out "
		"to relay from those that are listened at",
		addr_format(addr, text));
	return CLI_USAGE;
}

/* One array of listeners, and what else there is to know of its option. */
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
		log_error("the addresses of this machine are not known: %s", strerror(errno));
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
		log_error(
			"--%s %s is one of the ports that are relayed from, %u-%u: choose others with "
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
			"--%s serves none of the --transports: leave it out, or name more of those",
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

/* Plain and encrypted clients come by the same protocols of the network. */
static enum cli_status check_overlap(const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_listen * config->n_listen_tls; i++) {
		const struct turnpike_addr *plain = &config->listen[i / config->n_listen_tls];

		if (!addr_equal(plain, &config->listen_tls[i % config->n_listen_tls]))
			continue;
		log_error(
			"%s is listened at by --listen and --listen-tls: give one of them another port",
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
		log_error("no address to serve: give --listen ADDR:PORT, with an address that 'ip "
			  "address' lists, or --listen :3478 for all of them");
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
	log_error("--%s: %s cannot be read: %s", option, path, strerror(errno));
	return CLI_ERROR;
}

static enum cli_status check_certificate(const struct serve_config *config)
{
	enum cli_status status;

	if (!config->cert != !config->key) {
		log_error("--cert and --key go together: give --%s too",
			  config->cert ? "key" : "cert");
		return CLI_USAGE;
	}
	if (config->n_listen_tls > 0 && !config->cert) {
		log_error(
			"--listen-tls needs a certificate and its private key: give --cert and --key");
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
		log_at(LOG_WARNING, "--cert is of no use without --listen-tls");
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

/* Without a private address, the only relay address of the family is meant. */
static bool is_meant(const struct turn_relay_address *external, const struct turnpike_addr *relay)
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
			"--external-ip %s: there are %zu relay addresses of its family: say which one "
			"is meant, as in %s/10.0.0.1",
			text, n, text);
	else if (external->addr.family)
		log_error("--external-ip: %s is not relayed from: give --relay-address %s too",
			  private, private);
	else
		log_error(
			"--external-ip %s: there is no relay address of its family: give one with "
			"--relay-address",
			text);
	return CLI_USAGE;
}

static enum cli_status apply_external(struct serve_config *config,
				      const struct turn_relay_address *external)
{
	struct turn_relay_address *meant = NULL;
	char text[ADDR_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < config->n_relays; i++) {
		if (!is_meant(external, &config->relays[i].addr))
			continue;
		meant = &config->relays[i];
		n++;
	}
	if (n != 1)
		return refuse_external(external, n);
	if (meant->external.family) {
		log_error(
			"--external-ip: relay address %s has two public ones: leave one of them out",
			addr_format(&meant->addr, text));
		return CLI_USAGE;
	}
	meant->external = external->external;
	return CLI_OK;
}

static enum cli_status apply_externals(struct serve_config *config)
{
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < config->n_externals && status == CLI_OK; i++)
		status = apply_external(config, &config->externals[i]);
	return status;
}

static enum cli_status check_way(enum turnpike_mode mode, enum turnpike_moves moves)
{
	if (mode != TURNPIKE_MODE_TC || moves != TURNPIKE_MOVES_TAIL)
		return CLI_OK;
	log_error("moves tail is not possible with mode tc: leave one of them out");
	return CLI_USAGE;
}

static enum cli_status check_mode(const struct serve_config *config)
{
	enum cli_status status = check_way(config->mode, config->moves);

	for (size_t i = 0; i < config->n_devices && status == CLI_OK; i++)
		status = check_way(config->devices[i].mode, config->devices[i].moves);
	if (status != CLI_OK)
		return status;
	if (config->mode != TURNPIKE_MODE_TC && config->hook != TURNPIKE_HOOK_AUTO) {
		log_error("--tc-hook is for --mode tc only: give that too, or leave it out");
		return CLI_USAGE;
	}
	return CLI_OK;
}

enum cli_status serve_config_check(struct serve_config *config)
{
	enum cli_status status = check_mode(config);

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
