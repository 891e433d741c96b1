/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_setters.h
 * What each option of `turnpike serve` does to struct serve_config, which is @config; as in struct
 * cli_option, @value may be overwritten.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SETTERS_H
#define TURNPIKE_CONFIG_SERVE_SETTERS_H

#include "config/serve_config.h"

/* Addresses. */
int set_listen(void *config, char *value);
int set_listen_tls(void *config, char *value);
int set_transports(void *config, char *value);
int set_relay_address(void *config, char *value);
int set_relay_ports(void *config, char *value);
int set_external_ip(void *config, char *value);
int set_alternate_server(void *config, char *value);
int set_allow_peer(void *config, char *value);
int set_deny_peer(void *config, char *value);

/* Who is let in. */
int set_realm(void *config, char *value);
int set_user(void *config, char *value);
int set_users_file(void *config, char *path);
int set_auth_secret(void *config, char *value);
int set_auth_secret_file(void *config, char *path);

/* Devices and the kernel. */
int set_device(void *config, char *value);
int set_mode(void *config, char *value);
int set_moves(void *config, char *value);
int set_tc_hook(void *config, char *value);
int set_backoff(void *config, char *value);

/* The process. */
int set_cert(void *config, char *path);
int set_key(void *config, char *path);
int set_run_as(void *config, char *value);
int set_log_level(void *config, char *value);
int set_control(void *config, char *path);

/** What is let in by what stands in the environment, TURNPIKE_USER and TURNPIKE_AUTH_SECRET. */
enum cli_status serve_secrets_of_environment(struct serve_config *config);

/** serve_users_free() - free users, and wipe their passwords and keys */
void serve_users_free(struct serve_user *users, size_t n);

/** serve_secrets_free() - free secrets, and wipe them */
void serve_secrets_free(char **secrets, size_t n);

/** EXPECTS_USER, EXPECTS_SECRET - what set_user() and set_auth_secret() take */
#define EXPECTS_USER                                                                               \
	"a name and a password with a colon in between, such as alice:secret, or in place of the " \
	"password 0x and a key that 'turnpike key' has printed"
#define EXPECTS_SECRET "a secret of at least one byte"

#endif /* TURNPIKE_CONFIG_SERVE_SETTERS_H */
