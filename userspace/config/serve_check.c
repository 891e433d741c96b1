/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What depends on several options: defaults that follow from others, and contradictions. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/check_addresses.h"
#include "config/cpus.h"
#include "config/lines.h"
#include "config/serve_config.h"

static enum cli_status check_readable(const char *option, const char *path)
{
	if (access(path, R_OK) == 0)
		return CLI_OK;
	log_error("--%s: cannot read %s: %s", option, path, strerror(errno));
	return CLI_ERROR;
}

static enum cli_status check_certificate(const struct serve_config *config)
{
	enum cli_status status;

	if (!config->cert != !config->key) {
		log_error("--%s is missing: --cert and --key are required together",
			  config->cert ? "key" : "cert");
		return CLI_USAGE;
	}
	if (config->n_listen_tls > 0 && !config->cert) {
		log_error(
			"--listen-tls requires a certificate and its private key: use --cert and --key");
		return CLI_USAGE;
	}
	if (!config->cert)
		return CLI_OK;
	status = check_readable("cert", config->cert);
	if (status == CLI_OK)
		status = check_readable("key", config->key);
	if (status == CLI_OK)
		status = lines_check_access(config->key);
	if (status == CLI_OK && config->n_listen_tls == 0)
		log_at(LOG_WARNING, "--cert has no effect without --listen-tls");
	return status;
}

/* Not an error: a list that was made for another server may have such prefixes. */
static void warn_of_allowed(const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < config->n_allow; i++) {
		const struct addr_cidr *cidr = &config->allow[i];

		if (addr_cidr_embeds_v4(cidr))
			log_at(LOG_WARNING,
			       "--allow-peer %s/%u has no effect: these are forms of IPv4 addresses, "
			       "which are never peers; name the IPv4 addresses",
			       addr_format(&cidr->addr, text), cidr->prefix);
	}
}

static enum cli_status check_moves(enum turnpike_mode mode, enum turnpike_moves moves)
{
	if (mode != TURNPIKE_MODE_TC || moves != TURNPIKE_MOVES_TAIL)
		return CLI_OK;
	log_error("mode tc does not support --moves tail: choose head or auto, or another mode");
	return CLI_USAGE;
}

static enum cli_status check_mode(const struct serve_config *config)
{
	enum cli_status status = check_moves(config->mode, config->moves);

	for (size_t i = 0; i < config->n_devices && status == CLI_OK; i++)
		status = check_moves(config->devices[i].mode, config->devices[i].moves);
	if (status != CLI_OK)
		return status;
	if (config->mode != TURNPIKE_MODE_TC && config->hook != TURNPIKE_HOOK_AUTO) {
		log_error("--tc-hook requires --mode tc: add it, or omit --tc-hook");
		return CLI_USAGE;
	}
	return CLI_OK;
}

enum cli_status serve_config_check(struct serve_config *config)
{
	enum cli_status status = check_mode(config);

	warn_of_allowed(config);
	if (config->as_user && !config->check_only) {
		log_error("--as requires --check-config; --run-as selects the user of the server");
		return CLI_USAGE;
	}
	if (status == CLI_OK)
		status = check_addresses(config);
	if (status == CLI_OK)
		status = cpus_check(config);
	return status == CLI_OK ? check_certificate(config) : status;
}
