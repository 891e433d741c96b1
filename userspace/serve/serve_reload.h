/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_reload.h
 * SIGHUP: another configuration for a server that goes on serving.
 */
#ifndef TURNPIKE_SERVE_SERVE_RELOAD_H
#define TURNPIKE_SERVE_SERVE_RELOAD_H

#include "config/serve_config.h"
#include "net/admission.h"
#include "net/certificate.h"
#include "process/workers.h"

/**
 * struct serve_reload - what is to change
 * @config:      as it was last read
 * @admission:   of all workers
 * @certificate: NULL if there is none
 */
struct serve_reload {
	struct serve_config *config;
	struct datapath *datapath;
	struct workers *workers;
	struct admission *admission;
	struct certificate *certificate;
};

/**
 * serve_reload() - read the configuration and the certificate once more, and do what has changed
 *
 * No allocation ends; permissions for peers that are not allowed any more do. What has changed is
 * said, and what of it needs a restart. If anything is wrong, nothing changes, and that is said.
 */
void serve_reload(const struct serve_reload *reload);

/** serve_set_log() - log as the options say */
void serve_set_log(const struct serve_config *config);

#endif /* TURNPIKE_SERVE_SERVE_RELOAD_H */
