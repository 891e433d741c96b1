/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_config.h
 * The configuration of `turnpike serve`.
 */
#ifndef TURNPIKE_CONFIG_SERVE_CONFIG_H
#define TURNPIKE_CONFIG_SERVE_CONFIG_H

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "base/log.h"
#include "base/array.h"
#include "config/options.h"
#include "endpoints/endpoints.h"
#include "turn/turn.h"

/**
 * struct serve_user - a user with either a password or keys
 * @password: NULL if @key is set; serve_credentials() turns it into keys, and wipes it
 * @key:      RFC 8489 section 9.2.2: 16 bytes (MD5), 32 bytes (SHA-256), or 48 bytes: both of them;
 *            NULL if @password is set
 */
struct serve_user {
	char *name;
	char *password;
	uint8_t *key;
	size_t key_len;
};

/** struct serve_device - @name is zero-padded; @mode and @moves are valid if @has_mode is set */
struct serve_device {
	char name[IFNAMSIZ];
	__u32 has_mode;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
};

/**
 * struct serve_config - the options of `turnpike serve`
 * @listen:     UDP and TCP listeners, see struct endpoint_rules
 * @relays:     without ports; none: those of the listeners
 * @externals:  values of --external-ip; @addr has no family if only the public address is given
 * @devices:    empty: those by which packets of the addresses come in and leave
 * @listen_tls: TLS and DTLS listeners
 * @secrets:    from --auth-secret, --auth-secret-file and the environment
 * @run_as:     USER or USER:GROUP; NULL: do not switch
 * @transports: bits 1 << enum turn_transport
 * @private_peers: from --allow-peer private and --deny-peer private
 * @unauthenticated_rate: requests and connections per second of one source; 0: no limit
 * @guess_rate: wrong credentials per second of one source, and for one account; 0: no limit
 * @user_allocations: new allocations per minute of one user; 0: no limit
 * @user_flows, @user_next_hops, @user_neighbours: percent; 0: no limit
 * @user_rate, @total_rate, @max_rate: bytes per second; 0: no limit
 * @user_packet_rate: packets per second; 0: no limit
 * @drain_time: seconds
 * @accounting_interval: seconds; 0: no interim records
 * @datapath:   options for turnpike_open()
 * @metrics_listen: family 0: none
 * @check_only: --check-config
 * @helper:     socket of the helper; NULL: a child of the server
 * @as_user:    user to check as; NULL: the one of this process
 * @n_given_users, @n_given_secrets: the first users and secrets, which are from the command line
 * and the environment. serve_config_reparse() copies them
 * @argc, @argv: copy of the command line for serve_config_reparse(), without secrets
 *
 * Each array is followed by its length. Other members are named after their options.
 * serve_config_parse() fills it in, and serve_config_free() frees it.
 */
struct serve_config {
	struct endpoint_name *listen;
	size_t n_listen;
	struct endpoint_name *relays;
	size_t n_relays;
	struct turn_relay_address *externals;
	size_t n_externals;
	struct serve_user *users;
	size_t n_users;
	size_t n_given_users;
	size_t n_given_secrets;
	struct serve_device *devices;
	size_t n_devices;
	struct addr_cidr *allow;
	size_t n_allow;
	struct addr_cidr *deny;
	size_t n_deny;
	struct addr_cidr *translated;
	size_t n_translated;
	struct addr_cidr *denied_clients;
	size_t n_denied_clients;
	struct endpoint_name *listen_tls;
	size_t n_listen_tls;
	struct turnpike_addr *alternates;
	size_t n_alternates;
	char **secrets;
	size_t n_secrets;
	char *cert;
	char *key;
	char *run_as;
	char *as_user;
	char *helper;
	char *realm;
	char *control;
	char *control_group;
	unsigned int transports;
	uint32_t user_quota;
	uint32_t user_allocations;
	uint32_t user_flows;
	uint32_t user_next_hops;
	uint32_t user_neighbours;
	uint32_t max_allocations;
	uint32_t max_connections;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t max_lifetime;
	uint32_t nonce_lifetime;
	uint32_t unauthenticated_rate;
	uint32_t guess_rate;
	uint32_t drain_time;
	uint32_t user_rate;
	uint32_t user_packet_rate;
	uint32_t total_rate;
	uint32_t max_rate;
	uint32_t n_workers;
	uint32_t *worker_cpus;
	size_t n_worker_cpus;
	uint16_t port_lo;
	uint16_t port_hi;
	enum turn_private private_peers;
	bool keep_removed_users;
	struct turnpike_open_opts datapath;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
	bool xdp_dispatcher;
	struct turnpike_addr metrics_listen;
	bool metrics_coturn_names;
	enum log_level log_level;
	bool log_json;
	bool log_addresses;
	uint32_t accounting_interval;
	bool check_only;
	int argc;
	char **argv;
};

/** serve_options - the options of `turnpike serve`; the target is struct serve_config */
extern const struct cli_option serve_options[];

/**
 * serve_config_init() - set the defaults
 *
 * Return: 0 or -ENOMEM. Call serve_config_free() in either case.
 */
int serve_config_init(struct serve_config *config);

/** serve_config_parse() - parse and check all options; errors are logged */
enum cli_status serve_config_parse(int argc, char **argv, struct serve_config *config);

/**
 * serve_config_reparse() - parse the same command line, files and environment again
 * @before: from serve_config_parse() or from this function; not changed
 *
 * On error, logs it and leaves @config unchanged. See config/reload.h.
 */
enum cli_status serve_config_reparse(const struct serve_config *before,
				     struct serve_config *config);

/** serve_config_free() - free the members of @config, and wipe secrets */
void serve_config_free(struct serve_config *config);

/** serve_config_rules() - where to listen and from where to relay; borrows memory of @config */
struct endpoint_rules serve_config_rules(const struct serve_config *config);

/** serve_config_low_ports() - which ports below 1024 listeners or relays have, by number */
void serve_config_low_ports(const struct serve_config *config, bool ports[static IPPORT_RESERVED]);

/** serve_config_mode() - mode of @device: its own, or else that of all devices */
enum turnpike_mode serve_config_mode(const struct serve_config *config,
				     const struct serve_device *device);

/** serve_config_check() - derive what depends on several options, and reject contradictions */
enum cli_status serve_config_check(struct serve_config *config);

/**
 * SERVE_CONFIG_APPEND() - array_append() for an array of @CONFIG whose length is n_ARRAY
 *
 * Evaluates to 0 or -ENOMEM.
 */
#define SERVE_CONFIG_APPEND(CONFIG, ARRAY, ITEM)                                           \
	({                                                                                 \
		void *grown_ = array_append((CONFIG)->ARRAY, &(CONFIG)->n_##ARRAY, (ITEM), \
					    sizeof(*(CONFIG)->ARRAY));                     \
		if (grown_)                                                                \
			(CONFIG)->ARRAY = grown_;                                          \
		grown_ ? 0 : -ENOMEM;                                                      \
	})

#endif /* TURNPIKE_CONFIG_SERVE_CONFIG_H */
