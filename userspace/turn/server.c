/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "stun/opaque_string.h"
#include "turn/auth/credentials.h"
#include "turn/data.h"
#include "turn/methods/attrs.h"
#include "turn/methods/dispatch.h"
#include "turn/settings.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/state.h"
#include "turn/state/user.h"
#include "turn/state/walks.h"

static int set_up(struct turn_server *server, const struct turn_config *config)
{
	int err = stun_opaque_string(config->realm, &server->realm);
	bool peers_changed;

	if (err)
		return err;
	/* OpaqueString can make a text longer. */
	if (strlen(server->realm) > STUN_TEXT_MAX)
		return -EINVAL;
	server->ops.random(server->ctx, server->nonces.secret, sizeof(server->nonces.secret));
	server->ops.random(server->ctx, server->hash_key, sizeof(server->hash_key));
	if (!config->shared && turn_shared_new(config, server->hash_key, &server->private_shared))
		return -ENOMEM;
	err = turn_user_new_decoy(server);
	if (err)
		return err;
	server->shared = config->shared ? config->shared : server->private_shared;
	return turn_settings_apply(server, config, &peers_changed);
}

int turn_server_new(const struct turn_config *config, const struct turn_ops *ops, void *ctx,
		    struct turn_server **server)
{
	struct turn_server *result;
	int err;

	if (!turn_config_is_valid(config))
		return -EINVAL;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	result->ops = *ops;
	result->ctx = ctx;
	err = set_up(result, config);
	if (err) {
		turn_server_free(result, 0); /* without allocations, which need the time */
		return err;
	}
	*server = result;
	return 0;
}

static bool is_any(struct turn_server *server, const struct turn_allocation *alloc, void *arg)
{
	(void)server;
	(void)alloc;
	(void)arg;
	return true;
}

static void free_contents(struct turn_server *server, uint64_t now)
{
	turn_allocations_end(server, is_any, NULL, "stopping", now);
	turn_users_forget(server);
	turn_user_put(server->decoy);
}

void turn_server_free(struct turn_server *server, uint64_t now)
{
	if (!server)
		return;
	turn_walks_end(server);
	free_contents(server, now);
	turn_settings_free(server);
	turn_shared_free(server->private_shared);
	turn_credentials_put(server->credentials);
	turn_timers_free(&server->timers);
	free(server->realm);
	OPENSSL_cleanse(&server->nonces, sizeof(server->nonces));
	free(server);
}

void turn_server_set_credentials(struct turn_server *server, struct turn_credentials *credentials)
{
	struct turn_credentials *old = server->credentials;

	server->credentials = turn_credentials_get(credentials);
	server->generation++;
	turn_users_forget(server);
	turn_credentials_put(old);
}

static bool is_revoked(struct turn_server *server, const struct turn_allocation *alloc, void *arg)
{
	(void)arg;
	return !turn_user_is_current(server, alloc->user);
}

size_t turn_server_end_revoked(struct turn_server *server, uint64_t now)
{
	return turn_allocations_end(server, is_revoked, NULL, "revoked", now);
}

static void stun_input(struct turn_server *server, const struct turn_tuple *tuple,
		       const struct turn_packet *packet, uint64_t now)
{
	struct stun_message msg;
	uint16_t unknown;

	if (stun_parse(packet->data, packet->len, &msg)) {
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
	} else if (msg.class == STUN_REQUEST) {
		/* So that requests find no expired objects. */
		turn_server_expire(server, now);
		turn_dispatch_request(server, tuple, &msg, now);
	} else if (msg.class == STUN_INDICATION && msg.method == TURN_SEND &&
		   turn_unknown_attrs(&msg, &unknown, 1) == 0) {
		turn_data_from_indication(server, tuple, packet, &msg, now);
	} else if (msg.class != STUN_INDICATION || msg.method != STUN_BINDING) {
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
	}
}

void turn_server_client_input(struct turn_server *server, const struct turn_tuple *tuple,
			      const struct turn_packet *packet, uint64_t now)
{
	uint8_t first = packet->len > 0 ? packet->data[0] : UINT8_MAX;

	/* RFC 8656 section 12, table 3: the first byte identifies the protocol. */
	if (first <= 3)
		stun_input(server, tuple, packet, now);
	else if (first >= TURN_CHANNEL_MIN >> 8 && first <= TURN_CHANNEL_MAX >> 8)
		turn_data_from_channel(server, tuple, packet, now);
	else
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
}

void turn_server_client_gone(struct turn_server *server, const struct turn_tuple *tuple,
			     uint64_t now)
{
	struct turn_allocation *alloc = turn_allocation_find(server, tuple);

	if (alloc)
		turn_allocation_end(server, alloc, "client gone", now);
}

bool turn_server_has_allocation(const struct turn_server *server, const struct turn_tuple *tuple)
{
	return turn_allocation_find(server, tuple) != NULL;
}

void turn_server_drain(struct turn_server *server, bool drains)
{
	server->is_draining = drains;
}

const struct turn_stats *turn_server_stats(const struct turn_server *server)
{
	return &server->stats;
}

const struct turn_limits *turn_server_limits(const struct turn_server *server)
{
	return &server->limits;
}

uint32_t turn_server_ports_at_rest(const struct turn_server *server, uint64_t now)
{
	turn_rests_end(&server->shared->rests, now);
	return turn_rests_n(&server->shared->rests);
}

struct turn_use turn_server_ports(const struct turn_server *server)
{
	const uint64_t per_pool = (uint64_t)server->shared->port_hi - server->shared->port_lo + 1;
	const struct turn_pools *pools = server->pools;
	struct turn_use use = { .capacity = per_pool * pools->n_offered };

	for (size_t i = 0; i < pools->n_offered; i++)
		use.used += per_pool - turn_ports_n_free(pools->list[i]->ports);
	return use;
}
