/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/check_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <turnpike/probe.h>
#include <unistd.h>

#include "base/log.h"
#include "config/serve_credentials.h"
#include "config/serve_summary.h"
#include "control/unix_socket.h"
#include "net/listeners.h"
#include "net/socket.h"
#include "process/privileges.h"
#include "serve/serve_addresses.h"
#include "serve/serve_devices.h"
#include "serve/serve_helper.h"
#include "serve/serve_listen.h"

static bool is_running(const struct serve_config *config)
{
	int fd;

	if (unix_connect(config->control, SOCK_STREAM, &fd))
		return false;
	close(fd);
	return true;
}

static int check_files(const struct serve_config *config)
{
	struct turn_credentials *credentials;
	int err = serve_listen_check(config);

	if (!err)
		err = serve_credentials(config, &credentials);
	if (!err)
		turn_credentials_put(credentials);
	return err;
}

/* In a child, which cannot get its privileges back. */
static int read_as(const struct serve_config *config, const struct privileges *privileges)
{
	struct serve_config again = { 0 };
	int err = privileges_drop(privileges, 0);

	if (!err && serve_config_reparse(config, &again) != CLI_OK)
		err = -EACCES;
	if (!err)
		err = check_files(&again);
	serve_config_free(&again);
	return err;
}

static int check_as(const struct serve_config *config)
{
	struct privileges privileges;
	int status, err = privileges_find("as", config->as_user, &privileges);
	pid_t child;

	if (err || !config->as_user)
		return err;
	child = fork();
	if (child == 0)
		_exit(read_as(config, &privileges) ? EXIT_FAILURE : EXIT_SUCCESS);
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		log_error("cannot check as another user: %s", strerror(errno));
		return -errno;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		return 0;
	log_error("user %s cannot start the server with these files: 'chgrp' and 'chmod g+r' give "
		  "access",
		  config->as_user);
	return -EACCES;
}

/** struct wanted - a mode that a device must have */
struct wanted {
	const struct serve_config *config;
	const char *device;
	enum turnpike_mode mode;
};

static bool has_hook(const struct wanted *wanted, const struct turnpike_candidate *candidate)
{
	return wanted->mode != TURNPIKE_MODE_TC || wanted->config->hook == TURNPIKE_HOOK_AUTO ||
	       wanted->config->hook == candidate->hook;
}

static int judge(const struct turnpike_probe_result *probe, void *arg)
{
	struct wanted *wanted = arg;
	const struct turnpike_candidate *candidate, *rejected = NULL;

	for (candidate = probe->plan; candidate; candidate = candidate->next) {
		if (candidate->mode != wanted->mode || !has_hook(wanted, candidate))
			continue;
		if (candidate->outlook == TURNPIKE_REJECTED)
			rejected = rejected ? rejected : candidate;
		else
			return 0;
	}
	if (rejected)
		log_error("%s: mode %s is not possible: %s%s%s", wanted->device,
			  turnpike_mode_name(wanted->mode), rejected->reason,
			  rejected->remedy[0] ? ": " : "", rejected->remedy);
	else
		log_error("%s: mode %s is not possible", wanted->device,
			  turnpike_mode_name(wanted->mode));
	return -EOPNOTSUPP;
}

static int check_device(const struct serve_device *device, void *arg)
{
	const struct serve_config *config = arg;
	struct wanted wanted = {
		.config = config,
		.device = device->name,
		.mode = serve_config_mode(config, device),
	};

	if (!if_nametoindex(device->name)) {
		log_error("no such device: %s; see 'ip link'", device->name);
		return -ENODEV;
	}
	/* These fall back to user space, whatever the device. */
	if (wanted.mode == TURNPIKE_MODE_AUTO || wanted.mode == TURNPIKE_MODE_USERSPACE ||
	    is_running(config))
		return 0;
	return turnpike_probe(device->name, judge, &wanted);
}

static int check_with(const struct serve_config *config, const struct host_addresses *host)
{
	struct endpoints endpoints;
	int err = serve_addresses_find(config, host, is_running(config), &endpoints);

	if (err)
		return err;
	err = serve_devices_each(config, &endpoints, host, check_device, (void *)config);
	if (!err)
		serve_summary_print(config, &endpoints, stdout);
	endpoints_free(&endpoints);
	return err;
}

static int check_addresses_and_devices(const struct serve_config *config)
{
	struct host_addresses host;
	int err = host_addresses_read(&host);

	if (err) {
		log_error("cannot list the addresses of this host: %s", strerror(-err));
		return err;
	}
	err = check_with(config, &host);
	host_addresses_free(&host);
	return err;
}

/* The server itself has it if it runs. */
static int check_metrics(const struct serve_config *config)
{
	int fd, err;

	if (!config->metrics_listen.family || is_running(config))
		return 0;
	err = socket_listen(&config->metrics_listen, false, &fd);
	if (err)
		listeners_log_bind_error(&config->metrics_listen, err);
	else
		close(fd);
	return err;
}

enum cli_status check_start(const struct serve_config *config)
{
	struct privileges privileges;
	gid_t group;

	if (privileges_choose(config->run_as, &privileges) ||
	    (config->control_group &&
	     privileges_find_group("control-group", config->control_group, &group)) ||
	    (config->helper && serve_helper_check(config->helper)) || check_files(config) ||
	    check_as(config) || check_metrics(config) || check_addresses_and_devices(config))
		return CLI_USAGE;
	return CLI_OK;
}
