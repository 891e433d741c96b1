/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "config/serve_config.h"
#include "config/serve_secrets.h"

static void free_arguments(struct serve_config *config)
{
	for (int i = 0; i < config->argc; i++) {
		explicit_bzero(config->argv[i], strlen(config->argv[i]));
		free(config->argv[i]);
	}
	free(config->argv);
}

void serve_config_free(struct serve_config *config)
{
	free_arguments(config);
	serve_users_free(config->users, config->n_users);
	serve_secrets_free(config->secrets, config->n_secrets);
	free(config->devices);
	free(config->listen);
	free(config->listen_tls);
	free(config->alternates);
	free(config->relays);
	free(config->externals);
	free(config->allow);
	free(config->deny);
	free(config->translated);
	free(config->denied_clients);
	free(config->cert);
	free(config->key);
	free(config->run_as);
	free(config->as_user);
	free(config->helper);
	free(config->realm);
	free(config->control);
	free(config->control_group);
	free(config->worker_cpus);
}

enum turnpike_mode serve_config_mode(const struct serve_config *config,
				     const struct serve_device *device)
{
	return device->has_mode ? device->mode : config->mode;
}
