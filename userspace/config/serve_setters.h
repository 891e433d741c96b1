/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_setters.h
 * What each option of `turnpike serve` does to struct serve_config, which is @target; as in struct
 * cli_option, @value may be overwritten.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SETTERS_H
#define TURNPIKE_CONFIG_SERVE_SETTERS_H

#include "config/serve_config.h"

/* Addresses. */
int set_listen(void *target, char *value);
int set_listen_tls(void *target, char *value);
int set_transports(void *target, char *value);
int set_relay_address(void *target, char *value);
int set_relay_ports(void *target, char *value);
int set_external_ip(void *target, char *value);
int set_alternate_server(void *target, char *value);
int set_allow_peer(void *target, char *value);
int set_deny_peer(void *target, char *value);

/* Who is let in. */
int set_realm(void *target, char *value);
int set_user(void *target, char *value);
int set_users_file(void *target, char *path);
int set_auth_secret(void *target, char *value);
int set_auth_secret_file(void *target, char *path);

/* Devices and the kernel. */
int set_device(void *target, char *value);
int set_mode(void *target, char *value);
int set_moves(void *target, char *value);
int set_tc_hook(void *target, char *value);
int set_backoff(void *target, char *value);

/* The process. */
int set_cert(void *target, char *value);
int set_key(void *target, char *value);
int set_run_as(void *target, char *value);
int set_log_level(void *target, char *value);
int set_control(void *target, char *value);

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
