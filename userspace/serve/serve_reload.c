/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/reload.h"
#include "config/serve_credentials.h"
#include "base/clock.h"
#include "base/log.h"
#include "private/array_len.h"
#include "process/events.h"
#include "process/notify.h"
#include "serve/serve_reload.h"
#include "serve/serve_turn.h"
#include "turn/auth/credentials.h"

/**
 * struct changes - everything that the new configuration needs, made before any of it is applied
 * @credentials: NULL: keep them
 * @revokes:     whether allocations end that @credentials do not permit
 * @denied:      clients
 * @listen:      NULL: keep the listeners
 */
struct changes {
	struct turn_credentials *credentials;
	bool revokes;
	struct cidr_set *denied;
	const struct listen_config *listen;
	struct turn_config turn;
	int err;
};

void serve_set_log(const struct serve_config *config)
{
	log_set_level(config->log_level);
	log_set_json(config->log_json);
	events_show_addresses(config->log_addresses);
}

static int make_turn_config(const struct serve_reload *reload, const struct serve_config *config,
			    struct turn_config *turn)
{
	const struct endpoints *endpoints = serve_addresses_endpoints(reload->addresses);
	const uint32_t max_relays = serve_turn_relays(config, endpoints);

	return serve_turn_config(config, endpoints, serve_addresses_host(reload->addresses),
				 max_relays < reload->max_relays ? max_relays : reload->max_relays,
				 turn);
}

static int prepare(const struct serve_reload *reload, const struct serve_config *after,
		   struct changes *changes)
{
	/* Options that require a restart keep their old values. */
	const struct serve_config config = reload_view(reload->config, after);
	int err = serve_credentials(&config, &changes->credentials);

	if (err)
		return err;
	changes->denied = cidr_set_new(config.denied_clients, config.n_denied_clients);
	if (!changes->denied) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return make_turn_config(reload, &config, &changes->turn);
}

static void free_changes(struct changes *changes)
{
	if (changes->credentials)
		turn_credentials_put(changes->credentials);
	cidr_set_free(changes->denied);
	serve_turn_config_free(&changes->turn);
}

/* Called for each worker. The step that can fail comes first. */
static void change(struct turn_io *io, void *arg)
{
	struct turn_server *server = turn_io_server(io);
	struct changes *changes = arg;
	int err = changes->err;

	if (!err)
		err = turn_io_reconfigure(io, &changes->turn);
	if (!err && changes->credentials)
		turn_server_set_credentials(server, changes->credentials);
	if (!err && changes->revokes)
		turn_server_end_revoked(server, clock_now());
	/* Errors are logged, and concern one address. */
	if (changes->listen)
		turn_io_listen(io, changes->listen);
	changes->err = err;
}

static int change_workers(const struct serve_reload *reload, struct changes *changes)
{
	changes->err = workers_share(reload->workers, &changes->turn);
	if (!changes->err)
		workers_each(reload->workers, change, changes);
	if (changes->err)
		log_error("the configuration was applied only partly: %s; reload again, or restart",
			  strerror(-changes->err));
	return changes->err;
}

static void deny(struct turn_io *io, void *denied)
{
	turn_io_deny(io, denied);
}

/* Afterwards no worker uses the old set, which free_changes() frees. */
static void deny_clients(const struct serve_reload *reload, struct changes *changes)
{
	struct cidr_set *old = reload->listen->denied;

	workers_each(reload->workers, deny, changes->denied);
	reload->listen->denied = changes->denied;
	changes->denied = old;
}

static int apply(const struct serve_reload *reload, const struct serve_config *config,
		 struct changes *changes)
{
	const struct limits_rates rates = serve_turn_rates(config);
	const struct share_percents shares = serve_turn_shares(config);
	const int err = change_workers(reload, changes);

	if (err)
		return err;
	deny_clients(reload, changes);
	admission_set(reload->listen->admission, serve_turn_connections(config),
		      config->unauthenticated_rate);
	datapath_set_rates(reload->datapath, &rates);
	datapath_set_shares(reload->datapath, &shares);
	serve_set_log(config);
	return 0;
}

static const struct {
	unsigned int part;
	const char *name;
} parts[] = {
	{ RELOAD_CREDENTIALS, "users and secrets" },
	{ RELOAD_SERVER, "limits and peers" },
	{ RELOAD_CLIENTS, "denied clients" },
	{ RELOAD_RATES, "rates" },
	{ RELOAD_LOG, "log" },
	{ RELOAD_DRAIN, "drain time" },
};

static void log_differences(const struct reload *differences)
{
	char text[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (differences->parts & parts[i].part)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? ", " : "", parts[i].name);
	}
	log_at(LOG_INFO, "reloaded; changed: %s", len ? text : "nothing");
	reload_warn(differences);
}

/* Frees @after. */
static void change_to(const struct serve_reload *reload, struct serve_config *after,
		      struct changes *changes)
{
	struct reload differences;

	reload_compare(reload->config, after, &differences);
	changes->revokes = differences.parts & RELOAD_CREDENTIALS && !after->keep_removed_users;
	if (apply(reload, after, changes)) {
		serve_config_free(after);
		return;
	}
	log_differences(&differences);
	reload_adopt(reload->config, after);
}

static void reload_config(const struct serve_reload *reload)
{
	struct changes changes = { 0 };
	struct serve_config after = { 0 };

	if (serve_config_reparse(reload->config, &after) == CLI_OK &&
	    !prepare(reload, &after, &changes)) {
		change_to(reload, &after, &changes);
	} else {
		log_error("reload failed: the previous configuration stays in effect");
		serve_config_free(&after);
	}
	free_changes(&changes);
}

void serve_reload(const struct serve_reload *reload)
{
	notify_manager("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now() / 1000);
	reload_config(reload);
	/* Logs its own errors. */
	if (reload->certificate)
		certificate_reload(reload->certificate);
	notify_manager("READY=1");
}

void serve_reload_addresses(const struct serve_reload *reload)
{
	struct changes changes = { .listen = reload->listen };

	if (!make_turn_config(reload, reload->config, &changes.turn))
		change_workers(reload, &changes);
	free_changes(&changes);
}
