/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "base/special_net.h"
#include "stun/protocol.h"
#include "turn/config.h"

void turn_config_init(struct turn_config *config)
{
	*config = (struct turn_config){
		.port_lo = 49152,
		.port_hi = 65535,
		.default_lifetime = 600,
		.max_lifetime = 3600,
		.nonce_lifetime = 3600,
		.max_permissions = 256,
		.max_channels = 256,
	};
}

static bool relays_are_valid(const struct turn_config *config)
{
	for (size_t i = 0; i < config->n_relays; i++) {
		const struct turn_relay_address *relay = &config->relays[i];

		if (addr_len(&relay->addr) == 0)
			return false;
		if (relay->external.family != 0 && relay->external.family != relay->addr.family)
			return false;
	}
	return true;
}

bool turn_config_is_valid(const struct turn_config *config)
{
	return config->realm && config->realm[0] != '\0' &&
	       strlen(config->realm) <= STUN_TEXT_MAX &&
	       (!config->software || strlen(config->software) <= STUN_TEXT_MAX) &&
	       relays_are_valid(config) && config->port_lo > 0 &&
	       config->port_lo <= config->port_hi && config->default_lifetime > 0 &&
	       config->default_lifetime <= config->max_lifetime && config->nonce_lifetime > 0;
}

static bool is_public(const struct turn_relay_address *relay)
{
	unsigned int prefix;

	return special_net_find(relay->external.family ? &relay->external : &relay->addr,
				&prefix) == SPECIAL_NONE;
}

static bool is_any_public(const struct turn_relay_address *relays, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_public(&relays[i]))
			return true;
	}
	return false;
}

bool turn_permits_private(enum turn_private private_peers, const struct turn_relay_address *relays,
			  size_t n)
{
	if (private_peers != TURN_PRIVATE_AUTO)
		return private_peers == TURN_PRIVATE_ALLOWED;
	return n > 0 && !is_any_public(relays, n);
}
