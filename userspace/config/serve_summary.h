/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_summary.h
 * The output of --check-config: what a configuration would serve.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SUMMARY_H
#define TURNPIKE_CONFIG_SERVE_SUMMARY_H

#include <stdio.h>

#include "config/serve_config.h"

/**
 * serve_summary_print() - print a few lines without any secret
 * @endpoints: what the host can serve of the configured addresses
 */
void serve_summary_print(const struct serve_config *config, const struct endpoints *endpoints,
			 FILE *file);

#endif /* TURNPIKE_CONFIG_SERVE_SUMMARY_H */
