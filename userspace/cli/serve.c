/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/commands.h"
#include "cli/serve_config.h"
#include "cli/serve_listen.h"
#include "io/clock.h"
#include "io/control.h"
#include "io/devices.h"
#include "io/kernel.h"
#include "io/report.h"
#include "io/workers.h"
#include "say.h"

/** Descriptors that are kept for everything but relayed transport addresses. */
#define SPARE_DESCRIPTORS 256
/** Those of a worker, besides its listeners: of its loop. */
#define WORKER_DESCRIPTORS 4
#define N_SIGNALS          2

struct server {
	struct serve_config config;
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct control *control;
	struct kernel *kernel;
	struct serve_listen listen;
	struct workers *workers;
	struct report_source reports;
};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	say("stopping: %s", strsignal(number));
	event_base_loopbreak(server->base);
}

/* From here on a signal ends the loop, so that it never leaves anything half done. */
static int open_loop(struct server *server)
{
	static const int numbers[N_SIGNALS] = { SIGINT, SIGTERM };

	signal(SIGPIPE, SIG_IGN);
	server->base = event_base_new();
	if (!server->base)
		return -ENOMEM;
	for (size_t i = 0; i < N_SIGNALS; i++) {
		server->signals[i] = evsignal_new(server->base, numbers[i], on_signal, server);
		if (!server->signals[i] || event_add(server->signals[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

/* What is left of the descriptors for clients: their connections and relayed transport addresses. */
static uint32_t free_descriptors(const struct serve_config *config)
{
	const rlim_t listeners = 2 * (config->n_listen + config->n_listen_tls);
	const rlim_t spare = SPARE_DESCRIPTORS + config->n_workers * (WORKER_DESCRIPTORS + listeners);
	struct rlimit limit = { .rlim_cur = 1024 };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	limit.rlim_cur -= limit.rlim_cur < 2 * spare ? limit.rlim_cur / 2 : spare;
	return (uint32_t)(limit.rlim_cur < UINT32_MAX ? limit.rlim_cur : UINT32_MAX);
}

/* A connection may have two relayed transport addresses. */
static uint32_t max_connections(const struct serve_config *config)
{
	const bool may_connect = config->n_listen_tls > 0 || config->transports & 1u << TURN_TCP;

	return may_connect ? free_descriptors(config) / 3 : 0;
}

/* Each relayed transport address takes a descriptor, and a port of its own. */
static uint32_t max_relays(const struct serve_config *config)
{
	const uint64_t ports = config->n_relays * (config->port_hi - config->port_lo + UINT64_C(1));
	const uint32_t descriptors = free_descriptors(config) - max_connections(config);

	return descriptors < ports ? descriptors : (uint32_t)ports;
}

/** struct additions - users for each worker; @err: the first that there was */
struct additions {
	const struct serve_config *config;
	int err;
};

static void add_users_to(struct turn_io *io, void *arg)
{
	struct additions *additions = arg;

	for (size_t i = 0; i < additions->config->n_users && !additions->err; i++) {
		const struct serve_user *user = &additions->config->users[i];
		int err = !user->password ? -EOPNOTSUPP
					  : turn_server_add_user(turn_io_server(io), user->name,
								 user->password, 0);

		if (err)
			say("--user %s cannot be added: %s", user->name,
			    err == -EEXIST ? "it is given twice, once is enough" : strerror(-err));
		additions->err = err;
	}
}

static int add_users(struct server *server)
{
	struct additions additions = { .config = &server->config };

	if (server->config.n_users == 0)
		say("warning: nobody can relay, because no --user is given");
	workers_each(server->workers, add_users_to, &additions);
	return additions.err;
}

static int open_turn(struct server *server)
{
	const struct serve_config *config = &server->config;
	struct turn_config turn;
	int err;

	turn_config_init(&turn);
	turn.realm = config->realm;
	turn.software = "turnpike " TURNPIKE_VERSION;
	turn.relays = config->relays;
	turn.n_relays = config->n_relays;
	turn.port_lo = config->port_lo;
	turn.port_hi = config->port_hi;
	turn.max_relays = max_relays(config);
	turn.allow = config->allow;
	turn.n_allow = config->n_allow;
	turn.deny = config->deny;
	turn.n_deny = config->n_deny;
	err = serve_listen_open(&server->listen, config, max_connections(config), server->base);
	if (!err)
		err = workers_open(server->base, server->kernel, &server->listen.listen, &turn,
				   config->n_workers, &server->workers);
	return err ? err : add_users(server);
}

static int add_device(const char *name, void *arg)
{
	struct serve_config *config = arg;
	struct serve_device device = { 0 };

	strcpy(device.name, name);
	return SERVE_CONFIG_APPEND(config, devices, &device);
}

static int add_devices_carrying(struct serve_config *config, const struct turnpike_addr *addr)
{
	int err = devices_carrying(addr, add_device, config);
	struct turnpike_addr ip = addr_without_port(addr);
	char text[ADDR_TEXT_MAX];

	if (err)
		say("no device is found for %s: %s; name its device with --dev",
		    addr_format(&ip, text), strerror(-err));
	return err;
}

static int find_devices(struct serve_config *config)
{
	int err = 0;

	if (config->n_devices > 0)
		return 0;
	for (size_t i = 0; i < config->n_listen && !err; i++)
		err = add_devices_carrying(config, &config->listen[i]);
	for (size_t i = 0; i < config->n_listen_tls && !err; i++)
		err = add_devices_carrying(config, &config->listen_tls[i]);
	for (size_t i = 0; i < config->n_relays && !err; i++)
		err = add_devices_carrying(config, &config->relays[i].addr);
	return err;
}

static enum turnpike_mode mode_of(const struct serve_config *config,
				  const struct serve_device *device)
{
	return device->has_mode ? device->mode : config->mode;
}

/* The mode that is least willing to do without the kernel. */
static enum turnpike_mode strictest_mode(const struct serve_config *config)
{
	enum turnpike_mode strictest = config->mode, mode;

	for (size_t i = 0; i < config->n_devices; i++) {
		mode = mode_of(config, &config->devices[i]);
		if (mode != TURNPIKE_MODE_AUTO && mode != TURNPIKE_MODE_USERSPACE)
			return mode;
		if (mode == TURNPIKE_MODE_AUTO)
			strictest = mode;
	}
	return strictest;
}

static int attach_devices(struct server *server)
{
	const struct serve_config *config = &server->config;
	int err = 0;

	for (size_t i = 0; i < config->n_devices && !err; i++) {
		const struct serve_device *device = &config->devices[i];
		const enum turnpike_mode mode = mode_of(config, device);
		TURNPIKE_OPTS(turnpike_attach_opts, opts, .mode = mode,
			      .moves = device->has_mode ? device->moves : config->moves);

		if (mode == TURNPIKE_MODE_TC)
			opts.hook = config->hook;
		err = kernel_attach(server->kernel, device->name, &opts);
	}
	return err;
}

/* What can fail most cheaply comes first, and packets are touched last. */
static int open_server(struct server *server)
{
	struct serve_config *config = &server->config;
	int err = open_loop(server);

	if (err) {
		say("the event loop cannot be made: %s", strerror(-err));
		return err;
	}
	/* Two for each allocation, of which there are no more than relays. */
	if (config->max_rate)
		config->kernel.max_policers = 2 * max_relays(config) + 1;
	err = control_open(server->base, config->control, report_answer, &server->reports,
			   &server->control);
	if (!err)
		err = kernel_open(server->base, strictest_mode(config), &config->kernel,
				  config->max_rate, &server->kernel);
	if (!err)
		err = open_turn(server);
	if (!err)
		err = find_devices(config);
	return err ? err : attach_devices(server);
}

static void close_server(struct server *server)
{
	control_close(server->control);
	workers_close(server->workers);
	serve_listen_close(&server->listen);
	kernel_close(server->kernel);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		if (server->signals[i])
			event_free(server->signals[i]);
	}
	if (server->base)
		event_base_free(server->base);
	libevent_global_shutdown();
	serve_config_free(&server->config);
}

static int say_device(const struct turnpike_status *status, void *arg)
{
	(void)arg;
	say("%s: mode %s, moves %s, hook %s: %s", status->dev, turnpike_mode_name(status->mode),
	    turnpike_moves_name(status->moves), turnpike_hook_name(status->hook), status->why);
	return 0;
}

static int print_device(const struct turnpike_status *status, void *arg)
{
	(void)arg;
	printf(" %s=%s/%s", status->dev, turnpike_mode_name(status->mode),
	       turnpike_moves_name(status->moves));
	return 0;
}

static void announce(const struct server *server)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < server->config.n_listen; i++)
		say("serving at %s", addr_format(&server->config.listen[i], text));
	for (size_t i = 0; i < server->config.n_listen_tls; i++)
		say("serving TLS at %s", addr_format(&server->config.listen_tls[i], text));
	kernel_for_each_device(server->kernel, say_device, NULL);
	printf("ready");
	kernel_for_each_device(server->kernel, print_device, NULL);
	printf("\n");
	fflush(stdout);
}

static enum cli_status serve(struct server *server)
{
	if (open_server(server))
		return CLI_ERROR;
	server->reports = (struct report_source){
		.kernel = server->kernel,
		.workers = server->workers,
		.started = clock_now(),
	};
	if (workers_start(server->workers))
		return CLI_ERROR;
	announce(server);
	if (event_base_dispatch(server->base) == 0)
		return CLI_OK;
	say("the event loop failed: %s", strerror(errno));
	return CLI_ERROR;
}

enum cli_status command_serve(int argc, char **argv)
{
	struct server server = { 0 };
	enum cli_status status = serve_config_parse(argc, argv, &server.config);

	if (status != CLI_OK)
		return status;
	if (!server.config.check_only)
		status = serve(&server);
	close_server(&server);
	return status;
}
