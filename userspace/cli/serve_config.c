/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cli/serve_config.h"
#include "say.h"

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

void serve_config_free(struct serve_config *config)
{
	for (size_t i = 0; i < config->n_users; i++) {
		free(config->users[i].name);
		explicit_bzero(config->users[i].password, strlen(config->users[i].password));
		free(config->users[i].password);
	}
	free(config->users);
	free(config->devices);
	free(config->listen);
	free(config->relays);
	free(config->externals);
	free(config->allow);
	free(config->deny);
	free(config->realm);
	free(config->control);
}

static bool is_wildcard(const struct turnpike_addr *addr)
{
	static const __u8 zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

static struct turn_relay_address *find_relay(struct serve_config *config,
					     const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < config->n_relays; i++) {
		if (addr_equal(&config->relays[i].addr, addr))
			return &config->relays[i];
	}
	return NULL;
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

static enum cli_status apply_externals(struct serve_config *config)
{
	for (size_t i = 0; i < config->n_externals; i++) {
		const struct turn_relay_address *external = &config->externals[i];
		struct turn_relay_address *relay = find_relay(config, &external->addr);
		char text[ADDR_TEXT_MAX];

		if (!relay) {
			addr_format(&external->addr, text);
			say("--external-ip: %s is not relayed from: give --relay-address %s too",
			    text, text);
			return CLI_USAGE;
		}
		relay->external = external->external;
	}
	return CLI_OK;
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
