/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_config.h
 * What `turnpike serve` is asked to do.
 */
#ifndef TURNPIKE_CONFIG_SERVE_CONFIG_H
#define TURNPIKE_CONFIG_SERVE_CONFIG_H

#include <errno.h>
#include <net/if.h>
#include <turnpike/turnpike.h>

#include "config/options.h"
#include "base/log.h"
#include "turn/turn.h"

/**
 * struct serve_user - with either a password or a key
 * @password: NULL if there is a key
 * @key:      of RFC 8489 section 9.2.2: MD5 (16 bytes) or SHA-256 (32 bytes); NULL if there is a
 *            password
 */
struct serve_user {
	char *name;
	char *password;
	uint8_t *key;
	size_t key_len;
};

/** struct serve_device - a name with zeros behind it, and its own mode and moves if @has_mode */
struct serve_device {
	char name[IFNAMSIZ];
	__u32 has_mode;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
};

/**
 * struct serve_config - the options of `turnpike serve`
 * @listen:   with ports
 * @relays:   without ports
 * @externals: what --external-ip says, with an @addr of no family if it names only the public one;
 *            serve_config_parse() has put them into @relays
 * @devices:  empty: those that carry the addresses
 * @datapath:   what libturnpike is opened with
 * @n_workers: of --workers
 * @listen_tls: with ports, for TLS and DTLS
 * @transports: bit 1 << enum turn_transport for each that is served
 * @secrets:  of --auth-secret, --auth-secret-file and the environment
 * @user_rate, @total_rate: bytes a second, 0: no limit
 * @unauthenticated_rate: requests, and connections, of one source a second; 0: no limit
 * @drain_time: seconds
 * @run_as:   USER or USER:GROUP, NULL: stay
 * @check_only: of --check-config: all that was asked for has been done
 * @argc, @argv: a copy of the command line, for serve_config_reparse()
 * Every array is followed by its length. All else is named like its option. Made by
 * serve_config_parse(), freed by serve_config_free().
 */
struct serve_config {
	struct turnpike_addr *listen;
	size_t n_listen;
	struct turn_relay_address *relays;
	size_t n_relays;
	struct turn_relay_address *externals;
	size_t n_externals;
	struct serve_user *users;
	size_t n_users;
	struct serve_device *devices;
	size_t n_devices;
	struct addr_cidr *allow;
	size_t n_allow;
	struct addr_cidr *deny;
	size_t n_deny;
	struct turnpike_addr *listen_tls;
	size_t n_listen_tls;
	struct turnpike_addr *alternates;
	size_t n_alternates;
	char **secrets;
	size_t n_secrets;
	char *cert;
	char *key;
	char *run_as;
	char *realm;
	char *control;
	unsigned int transports;
	uint32_t user_quota;
	uint32_t max_allocations;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t max_lifetime;
	uint32_t nonce_lifetime;
	uint32_t unauthenticated_rate;
	uint32_t drain_time;
	uint32_t user_rate;
	uint32_t total_rate;
	uint32_t max_rate;
	uint32_t n_workers;
	uint16_t port_lo;
	uint16_t port_hi;
	struct turnpike_open_opts datapath;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
	enum log_level log_level;
	bool log_json;
	bool log_addresses;
	bool check_only;
	int argc;
	char **argv;
};

/** serve_options - those of `turnpike serve`, for struct serve_config */
extern const struct cli_option serve_options[];

/**
 * serve_config_init() - what is so without any option
 *
 * Return: 0 or -ENOMEM; serve_config_free() is due in either case.
 */
int serve_config_init(struct serve_config *config);

/** serve_config_parse() - read and check the options; on error a sentence has been said */
enum cli_status serve_config_parse(int argc, char **argv, struct serve_config *config);

/**
 * serve_config_reparse() - read the same command line, files and environment once more
 * @before: of serve_config_parse() or of this; not changed
 *
 * On error a sentence has been said, and @config is as it was. See config/reload.h.
 */
enum cli_status serve_config_reparse(const struct serve_config *before,
				     struct serve_config *config);

/** serve_config_free() - free all that is in @config, and wipe what is secret */
void serve_config_free(struct serve_config *config);

/** serve_config_check() - fill in what depends on several options, and find contradictions */
enum cli_status serve_config_check(struct serve_config *config);

/**
 * serve_config_append() - copy @item to the end of an array, unless the array has it already
 *
 * Return: the array, which may have moved, or NULL without memory.
 */
void *serve_config_append(void *array, size_t *n, const void *item, size_t size);

/** SERVE_CONFIG_APPEND() - the same for an array of a config whose length is called n_ARRAY */
#define SERVE_CONFIG_APPEND(CONFIG, ARRAY, ITEM)                                                  \
	({                                                                                        \
		void *grown_ = serve_config_append((CONFIG)->ARRAY, &(CONFIG)->n_##ARRAY, (ITEM), \
						   sizeof(*(CONFIG)->ARRAY));                     \
		if (grown_)                                                                       \
			(CONFIG)->ARRAY = grown_;                                                 \
		grown_ ? 0 : -ENOMEM;                                                             \
	})

#endif /* TURNPIKE_CONFIG_SERVE_CONFIG_H */
