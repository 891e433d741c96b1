/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cli/serve_config.h"
#include "cli/serve_setters.h"
#include "say.h"

const char *const serve_transport_names[TURN_TRANSPORTS] = {
	[TURN_UDP] = "udp",
	[TURN_TCP] = "tcp",
	[TURN_TLS] = "tls",
	[TURN_DTLS] = "dtls",
};

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

static bool is_wildcard(const struct turnpike_addr *addr)
{
	static const __u8 zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

static enum cli_status check_address(const char *option, const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (!is_wildcard(addr))
		return CLI_OK;
	say("--%s %s: name each address of this machine that is meant: 'ip address' lists them",
	    option, addr_format(addr, text));
	return CLI_USAGE;
}

static enum cli_status check_listener(const struct serve_config *config,
				      const struct turnpike_addr *addr)
{
	uint16_t port = ntohs(addr->port);
	char text[ADDR_TEXT_MAX];

	if (port < config->port_lo || port > config->port_hi)
		return check_address("listen", addr);
	say("--listen %s is one of the ports that are relayed from, %u-%u: choose others with "
	    "--relay-ports",
	    addr_format(addr, text), config->port_lo, config->port_hi);
	return CLI_USAGE;
}

static enum cli_status check_listeners(const struct serve_config *config)
{
	enum cli_status status = CLI_OK;

	if (config->n_listen == 0) {
		say("no address to serve: give --listen ADDR:PORT, with an address that 'ip "
		    "address' lists");
		return CLI_USAGE;
	}
	for (size_t i = 0; i < config->n_listen && status == CLI_OK; i++)
		status = check_listener(config, &config->listen[i]);
	return status;
}

static enum cli_status relay_from_listeners(struct serve_config *config)
{
	for (size_t i = 0; i < config->n_listen; i++) {
		struct turn_relay_address relay = { .addr = addr_without_port(&config->listen[i]) };

		if (SERVE_CONFIG_APPEND(config, relays, &relay)) {
			say("out of memory");
			return CLI_ERROR;
		}
	}
	return CLI_OK;
}

static enum cli_status check_relays(struct serve_config *config)
{
	enum cli_status status = CLI_OK;

	if (config->n_relays == 0)
		status = relay_from_listeners(config);
	for (size_t i = 0; i < config->n_relays && status == CLI_OK; i++)
		status = check_address("relay-address", &config->relays[i].addr);
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
		say("--external-ip %s: there are %zu relay addresses of its family: say which one "
		    "is meant, as in %s/10.0.0.1",
		    text, n, text);
	else if (external->addr.family)
		say("--external-ip: %s is not relayed from: give --relay-address %s too", private,
		    private);
	else
		say("--external-ip %s: there is no relay address of its family: give one with "
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
		say("--external-ip: relay address %s has two public ones: leave one of them out",
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
	say("moves tail is not possible with mode tc: leave one of them out");
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
		say("--tc-hook is for --mode tc only: give that too, or leave it out");
		return CLI_USAGE;
	}
	return CLI_OK;
}

enum cli_status serve_config_check(struct serve_config *config)
{
	enum cli_status status = check_mode(config);

	if (status == CLI_OK)
		status = check_listeners(config);
	if (status == CLI_OK)
		status = check_relays(config);
	if (status == CLI_OK)
		status = apply_externals(config);
	return status;
}
