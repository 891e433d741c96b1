/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config/serve_credentials.h"
#include "serve/serve_turn.h"

/** Descriptors reserved for everything but clients. */
#define SPARE_DESCRIPTORS 256
/** Descriptors of a worker's event loop. */
#define WORKER_DESCRIPTORS 4
/** Addresses that a wildcard is expected to stand for at most. */
#define WILDCARD_ADDRESSES 8

static bool has_wildcard(const struct serve_config *config)
{
	bool found = false;

	for (size_t i = 0; i < config->n_listen; i++)
		found |= endpoint_is_wildcard(&config->listen[i].addr);
	for (size_t i = 0; i < config->n_listen_tls; i++)
		found |= endpoint_is_wildcard(&config->listen_tls[i].addr);
	return found;
}

/* Descriptors available for connections and relayed transport addresses. */
static uint64_t free_descriptors(const struct serve_config *config)
{
	const rlim_t addresses = has_wildcard(config) ? WILDCARD_ADDRESSES : 1;
	const rlim_t listeners = 2 * (config->n_listen + config->n_listen_tls) * addresses;
	const rlim_t spare =
		SPARE_DESCRIPTORS + config->n_workers * (WORKER_DESCRIPTORS + listeners);
	struct rlimit limit = { .rlim_cur = 1024 };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur - (limit.rlim_cur < 2 * spare ? limit.rlim_cur / 2 : spare);
}

/* A client needs up to three descriptors: a connection and two relayed transport addresses. */
static uint64_t usable_connections(const struct serve_config *config)
{
	return free_descriptors(config) / 3;
}

uint32_t serve_turn_connections(const struct serve_config *config)
{
	const bool may_connect = config->n_listen_tls > 0 || config->transports & 1u << TURN_TCP;
	const uint64_t usable = usable_connections(config);
	const uint64_t asked = config->max_connections ? config->max_connections : UINT32_MAX;

	if (!may_connect)
		return 0;
	return (uint32_t)(asked < usable ? asked : usable);
}

/* Named addresses count even before the host has them. */
static size_t count_addresses(const struct serve_config *config, const struct endpoints *endpoints)
{
	const size_t named =
		config->n_relays > 0 ? config->n_relays : config->n_listen + config->n_listen_tls;

	return endpoints->n_relays > named ? endpoints->n_relays : named;
}

/* --max-allocations counts relayed transport addresses. Without it, there is one per port. */
static uint64_t wanted_relays(const struct serve_config *config, size_t addresses)
{
	const uint64_t ports = addresses * (config->port_hi - config->port_lo + UINT64_C(1));
	const uint64_t asked = config->max_allocations;

	return asked && asked < ports ? asked : ports;
}

static uint32_t usable_relays(const struct serve_config *config, uint64_t relays)
{
	const uint64_t usable = free_descriptors(config) - serve_turn_connections(config);

	return (uint32_t)(relays < usable ? relays : usable);
}

uint32_t serve_turn_relays(const struct serve_config *config, const struct endpoints *endpoints)
{
	return usable_relays(config, wanted_relays(config, count_addresses(config, endpoints)));
}

uint32_t serve_turn_max_relays(const struct serve_config *config, const struct endpoints *endpoints)
{
	struct serve_config unlimited = *config;
	size_t addresses = count_addresses(config, endpoints);

	unlimited.max_allocations = 0;
	if (config->n_relays == 0 && has_wildcard(config) && addresses < WILDCARD_ADDRESSES)
		addresses = WILDCARD_ADDRESSES;
	return usable_relays(config, wanted_relays(&unlimited, addresses));
}

uint32_t serve_turn_policers(uint32_t max_relays)
{
	/*
	 * Two per allocation and four per user, of which there are at most as many as relays, two
	 * for the total, and those that the library reserves. Users without allocations have none.
	 */
	return 6 * max_relays + 2 + TURNPIKE_RESERVED_POLICERS;
}

void serve_turn_warn_limit(const struct serve_config *config, const struct endpoints *endpoints)
{
	const uint64_t wanted = wanted_relays(config, count_addresses(config, endpoints));
	const uint32_t relays = serve_turn_relays(config, endpoints);

	if (relays < wanted)
		log_at(LOG_WARNING,
		       "file descriptors limit the server to %" PRIu32
		       " relayed addresses instead of %" PRIu64
		       ": raise LimitNOFILE= or 'ulimit -n', or lower --max-allocations",
		       relays, wanted);
	if (config->max_connections > usable_connections(config))
		log_at(LOG_WARNING,
		       "file descriptors limit the server to %" PRIu64
		       " connections instead of %" PRIu32
		       ": raise LimitNOFILE= or 'ulimit -n', or lower --max-connections",
		       usable_connections(config), config->max_connections);
}

void serve_turn_warn_private(const struct serve_config *config, const struct endpoints *endpoints)
{
	if (config->private_peers == TURN_PRIVATE_AUTO &&
	    turn_permits_private(TURN_PRIVATE_AUTO, endpoints->relays, endpoints->n_relays))
		log_at(LOG_WARNING,
		       "clients can reach private networks, because all relay addresses are private: "
		       "use --deny-peer private if clients come from the Internet, otherwise "
		       "--allow-peer private");
}

static void add_own(struct turn_config *turn, struct turnpike_addr *own,
		    const struct endpoint_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!endpoint_is_wildcard(&names[i].addr))
			own[turn->n_self_addrs++] = names[i].addr;
	}
}

/* Also listening addresses, which this host may not have yet. */
static int list_own(const struct serve_config *config, const struct host_addresses *host,
		    struct turn_config *turn)
{
	const size_t n = config->n_listen + config->n_listen_tls + host->n;
	struct turnpike_addr *own = calloc(n, sizeof(*own));

	if (!own) {
		log_error("out of memory");
		return -ENOMEM;
	}
	add_own(turn, own, config->listen, config->n_listen);
	add_own(turn, own, config->listen_tls, config->n_listen_tls);
	for (size_t i = 0; i < host->n; i++)
		own[turn->n_self_addrs++] = host->list[i].addr;
	turn->self_addrs = own;
	turn->self_nets = host->local;
	turn->n_self_nets = host->n_local;
	return 0;
}

int serve_turn_config(const struct serve_config *config, const struct endpoints *endpoints,
		      const struct host_addresses *host, uint32_t max_relays,
		      struct turn_config *turn)
{
	turn_config_init(turn);
	turn->realm = config->realm;
	turn->software = "turnpike " TURNPIKE_VERSION;
	turn->relays = endpoints->relays;
	turn->n_relays = endpoints->n_relays;
	turn->homes = endpoints->homes;
	turn->n_homes = endpoints->n_homes;
	turn->port_lo = config->port_lo;
	turn->port_hi = config->port_hi;
	turn->max_relays = max_relays;
	turn->max_permissions = config->max_permissions;
	turn->max_channels = config->max_channels;
	turn->max_lifetime = config->max_lifetime;
	turn->nonce_lifetime = config->nonce_lifetime;
	turn->user_quota = config->user_quota;
	turn->user_allocations = config->user_allocations;
	turn->unauthenticated_rate = config->unauthenticated_rate;
	turn->guess_rate = config->guess_rate;
	turn->record_interval = config->accounting_interval;
	turn->alternates = config->alternates;
	turn->n_alternates = config->n_alternates;
	turn->private_peers = config->private_peers;
	turn->allow = config->allow;
	turn->n_allow = config->n_allow;
	turn->deny = config->deny;
	turn->n_deny = config->n_deny;
	turn->translated = config->translated;
	turn->n_translated = config->n_translated;
	return list_own(config, host, turn);
}

void serve_turn_config_free(struct turn_config *turn)
{
	free((void *)turn->self_addrs);
	turn->self_addrs = NULL;
}

struct limits_rates serve_turn_rates(const struct serve_config *config)
{
	return (struct limits_rates){
		.allocation = config->max_rate,
		.user = config->user_rate,
		.user_packets = config->user_packet_rate,
		.total = config->total_rate,
	};
}

struct share_percents serve_turn_shares(const struct serve_config *config)
{
	return (struct share_percents){
		.flows = config->user_flows,
		.next_hops = config->user_next_hops,
		.neighbours = config->user_neighbours,
	};
}

static void set_credentials(struct turn_io *io, void *credentials)
{
	turn_server_set_credentials(turn_io_server(io), credentials);
}

int serve_turn_set_credentials(const struct serve_config *config, struct workers *workers)
{
	struct turn_credentials *credentials;
	int err = serve_credentials(config, &credentials);

	if (err)
		return err;
	if (turn_credentials_is_empty(credentials))
		log_at(LOG_WARNING,
		       "no client can authenticate: configure --users-file or --auth-secret-file");
	workers_each(workers, set_credentials, credentials);
	turn_credentials_put(credentials);
	return 0;
}
