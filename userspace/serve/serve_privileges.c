/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/serve_privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "config/lines.h"
#include "net/broker.h"
#include "process/system_calls.h"
#include "serve/serve_helper.h"

#define CAPABILITY(name) (1ull << CAP_##name)

#define BROKER (CAPABILITY(NET_ADMIN) | CAPABILITY(NET_BIND_SERVICE))

/* In a child, which has a copy of everything, also of secrets. */
static int become(struct serve_privileges *privileges, uint64_t kept)
{
	if (privileges->config)
		serve_config_free(privileges->config);
	return privileges_drop(&privileges->user, kept);
}

/* It needs no system call that the server does not need. */
int serve_privileges_of_broker(void *privileges)
{
	const int err = become(privileges, BROKER);

	return err ? err : system_calls_restrict(0);
}

/* Dispatchers need the files of root. */
int serve_privileges_of_helper(const struct turnpike_helper_info *helper, void *arg)
{
	struct serve_privileges *privileges = arg;

	if (helper->capabilities & CAPABILITY(SYS_ADMIN))
		privileges->user = (struct privileges){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	return become(privileges, helper->capabilities);
}

bool serve_privileges_for_broker(void)
{
	return privileges_effective() & BROKER;
}

static int start_broker(struct serve_privileges *privileges)
{
	struct broker_plan plan = { .begin = serve_privileges_of_broker, .arg = privileges };
	int err;

	if (!serve_privileges_for_broker())
		return 0;
	serve_config_low_ports(privileges->config, plan.ports);
	err = broker_start(&plan);
	if (err)
		log_error("cannot start the process that opens sockets: %s", strerror(-err));
	return err;
}

int serve_privileges_open(struct serve_privileges *privileges, struct serve_config *config)
{
	int err = privileges_choose(config->run_as, &privileges->user);

	if (err)
		return err;
	privileges->config = config;
	if (privileges->user.uid != (uid_t)-1)
		config->datapath.run_as = privileges->user.uid;
	if (config->helper)
		return serve_helper_connect(config, &config->datapath.connection);
	config->datapath.dispatcher = config->xdp_dispatcher;
	config->datapath.helper = serve_privileges_of_helper;
	config->datapath.helper_arg = privileges;
	return start_broker(privileges);
}

static uint64_t kept_by_server(const struct turnpike_helper_info *helper)
{
	if (helper && !(helper->capabilities & CAPABILITY(NET_RAW)))
		log_at(LOG_WARNING,
		       "without CAP_NET_RAW no ICMP errors are sent for packets that the kernel drops, "
		       "and XDP trials prove less");
	return helper && helper->maps_need_bpf ? CAPABILITY(BPF) : 0;
}

/* The start reads files as root, and a reload as another user. */
static void warn_of_unreadable(const struct serve_config *config)
{
	const char *path = lines_unreadable();

	if (!path && config->key && access(config->key, R_OK))
		path = config->key;
	if (!path && config->cert && access(config->cert, R_OK))
		path = config->cert;
	if (path)
		log_at(LOG_WARNING,
		       "a reload will fail, because the user of the server, %u, cannot read %s: give "
		       "its group access ('chgrp', 'chmod g+r', and 'chmod g+x' for folders), or "
		       "choose another user with --run-as",
		       geteuid(), path);
}

int serve_privileges_drop(const struct serve_privileges *privileges, struct datapath *datapath)
{
	const struct turnpike_helper_info *helper = datapath_helper(datapath);
	int err = privileges_drop(&privileges->user, kept_by_server(helper));

	if (!err)
		err = system_calls_restrict(helper ? (pid_t)helper->pid : 0);
	if (!err)
		warn_of_unreadable(privileges->config);
	return err;
}
