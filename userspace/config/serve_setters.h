/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_setters.h
 * Setters of the options of `turnpike serve`; @target is a struct serve_config. See @set of struct
 * cli_option.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SETTERS_H
#define TURNPIKE_CONFIG_SERVE_SETTERS_H

#include "config/serve_config.h"

/* Listening and relaying. */
int set_listen(void *target, char *value);
int set_listen_tls(void *target, char *value);
int set_transports(void *target, char *value);
int set_relay_address(void *target, char *value);
int set_relay_ports(void *target, char *value);
int set_external_ip(void *target, char *value);
int set_alternate_server(void *target, char *value);
int set_allow_peer(void *target, char *value);
int set_deny_peer(void *target, char *value);
int set_deny_client(void *target, char *value);
int set_translated_prefix(void *target, char *value);

/* Authentication. */
int set_realm(void *target, char *value);
int set_user(void *target, char *value);
int set_users_file(void *target, char *path);
int set_auth_secret(void *target, char *value);
int set_auth_secret_file(void *target, char *path);

/* Datapath. */
int set_device(void *target, char *value);
int set_mode(void *target, char *value);
int set_moves(void *target, char *value);
int set_tc_hook(void *target, char *value);
int set_backoff(void *target, char *value);
int set_confirm(void *target, char *value);

/* Process. */
int set_cert(void *target, char *value);
int set_key(void *target, char *value);
int set_run_as(void *target, char *value);
int set_as(void *target, char *value);
int set_helper(void *target, char *value);
int set_log_level(void *target, char *value);
int set_control(void *target, char *value);
int set_control_group(void *target, char *value);
int set_metrics_listen(void *target, char *value);

#endif /* TURNPIKE_CONFIG_SERVE_SETTERS_H */
