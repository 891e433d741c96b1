/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_setters.h
 * Setters of the options of `turnpike serve`; @config is a struct serve_config. See @set of struct
 * cli_option.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SETTERS_H
#define TURNPIKE_CONFIG_SERVE_SETTERS_H

#include "config/serve_config.h"

/* Listening and relaying. */
int set_listen(void *config, char *value);
int set_listen_tls(void *config, char *value);
int set_transports(void *config, char *value);
int set_relay_address(void *config, char *value);
int set_relay_ports(void *config, char *value);
int set_external_ip(void *config, char *value);
int set_alternate_server(void *config, char *value);
int set_allow_peer(void *config, char *value);
int set_deny_peer(void *config, char *value);

/* Authentication. */
int set_realm(void *config, char *value);
int set_user(void *config, char *value);
int set_users_file(void *config, char *path);
int set_auth_secret(void *config, char *value);
int set_auth_secret_file(void *config, char *path);

/* Datapath. */
int set_device(void *config, char *value);
int set_mode(void *config, char *value);
int set_moves(void *config, char *value);
int set_tc_hook(void *config, char *value);
int set_backoff(void *config, char *value);

/* Process. */
int set_cert(void *config, char *path);
int set_key(void *config, char *path);
int set_run_as(void *config, char *value);
int set_log_level(void *config, char *value);
int set_control(void *config, char *path);

#endif /* TURNPIKE_CONFIG_SERVE_SETTERS_H */
