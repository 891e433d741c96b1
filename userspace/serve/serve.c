/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/serve_config.h"
#include "control/commands.h"
#include "control/report.h"
#include "datapath/datapath.h"
#include "metrics/metrics.h"
#include "net/broker.h"
#include "net/handshake_memory.h"
#include "process/blocks.h"
#include "process/events.h"
#include "process/notify.h"
#include "process/workers.h"
#include "serve/check_start.h"
#include "serve/serve.h"
#include "serve/serve_addresses.h"
#include "serve/serve_devices.h"
#include "serve/serve_drain.h"
#include "serve/serve_listen.h"
#include "serve/serve_manager.h"
#include "serve/serve_privileges.h"
#include "serve/serve_reload.h"
#include "serve/serve_turn.h"

#define N_SIGNALS 3

/* Channels that wait for room in the kernel: as many as there are flows by default, 20 MB at most.
 */
#define MAX_WAITING 65536

struct server {
	struct serve_config config;
	struct serve_privileges privileges;
	uint32_t max_relays;
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct event *minute;
	struct control *control;
	struct metrics *metrics; /* NULL: none */
	struct serve_addresses *addresses;
	struct datapath *datapath;
	struct serve_listen listen;
	struct workers *workers;
	struct blocks *blocks;
	struct report_source reports;
	struct drain *drain;
	struct serve_manager *manager; /* NULL: none */
	char doubt[SERVE_DOUBT_MAX];   /* about the devices */
};

static void stop(struct server *server, int number)
{
	log_at(LOG_INFO, "stopping: %s", strsignal(number));
	event_base_loopbreak(server->base);
}

/* SIGINT comes from a terminal, whose user does not want to wait for draining. */
static void on_interrupt(evutil_socket_t number, short what, void *server)
{
	(void)what;
	stop(server, (int)number);
}

static void on_terminate(evutil_socket_t number, short what, void *arg)
{
	struct server *server = arg;
	const uint32_t seconds = server->config.drain_time;

	(void)what;
	if (server->drain || !seconds ||
	    drain_begin(server->base, server->workers, seconds, &server->drain))
		stop(server, (int)number);
	server->reports.is_draining = server->reports.is_stopping = true;
}

static struct serve_reload reload_of(struct server *server)
{
	return (struct serve_reload){
		.config = &server->config,
		.addresses = server->addresses,
		.listen = &server->listen.listen,
		.max_relays = server->max_relays,
		.datapath = server->datapath,
		.workers = server->workers,
		.certificate = server->listen.certificate,
	};
}

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	const struct serve_reload reload = reload_of(arg);

	(void)number;
	(void)what;
	serve_reload(&reload);
}

static int attach_devices(struct server *server)
{
	return serve_devices_attach(&server->config, serve_addresses_endpoints(server->addresses),
				    serve_addresses_host(server->addresses), server->datapath,
				    server->doubt);
}

/* Devices come first: once clients can reach an address, the kernel relays for it. */
static void on_addresses(void *arg)
{
	struct server *server = arg;
	const struct serve_reload reload = reload_of(server);
	const struct endpoints *endpoints = serve_addresses_endpoints(server->addresses);

	attach_devices(server);
	serve_listen_at(&server->listen, endpoints);
	serve_reload_addresses(&reload);
}

static const struct {
	int number;
	event_callback_fn on_signal;
} signals[N_SIGNALS] = {
	{ SIGINT, on_interrupt },
	{ SIGTERM, on_terminate },
	{ SIGHUP, on_hangup },
};

/* Routes may have come since: at boot, or with a routing daemon. */
static void on_minute(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	events_end_period();
	attach_devices(arg);
}

static bool add_events(struct server *server)
{
	static const struct timeval minute = { .tv_sec = 60 };
	bool ok = server->base;

	for (size_t i = 0; i < N_SIGNALS && ok; i++) {
		server->signals[i] =
			evsignal_new(server->base, signals[i].number, signals[i].on_signal, server);
		ok = server->signals[i] && event_add(server->signals[i], NULL) == 0;
	}
	if (ok)
		server->minute = event_new(server->base, -1, EV_PERSIST, on_minute, server);
	return ok && server->minute && event_add(server->minute, &minute) == 0;
}

/* From here on, signals are handled by the loop, so that the server always cleans up. */
static int open_loop(struct server *server)
{
	signal(SIGPIPE, SIG_IGN);
	server->base = event_base_new();
	if (add_events(server))
		return 0;
	log_error("cannot create the event loop: out of memory or file descriptors");
	return -ENOMEM;
}

static int open_turn(struct server *server)
{
	const struct endpoints *endpoints = serve_addresses_endpoints(server->addresses);
	const struct serve_config *config = &server->config;
	struct turn_config turn;
	int err = serve_listen_open(&server->listen, config, serve_turn_connections(config),
				    server->base);

	if (!err)
		err = serve_turn_config(config, endpoints, serve_addresses_host(server->addresses),
					serve_turn_relays(config, endpoints), &turn);
	if (err)
		return err;
	serve_listen_at(&server->listen, endpoints);
	err = workers_open(server->base, server->datapath, &server->listen.listen, &turn,
			   config->n_workers, &server->workers);
	serve_turn_config_free(&turn);
	if (!err)
		err = blocks_open(server->base, server->workers, &server->blocks);
	return err ? err : serve_turn_set_credentials(config, server->workers);
}

static int open_control(struct server *server)
{
	const struct serve_config *config = &server->config;
	struct control_path at = { .path = config->control,
				   .uid = server->privileges.user.uid,
				   .gid = server->privileges.user.gid };
	int err = 0;

	if (config->control_group)
		err = privileges_find_group("control-group", config->control_group, &at.gid);
	return err ? err : control_open(&at, control_commands, &server->reports, &server->control);
}

static int open_metrics(struct server *server)
{
	const struct serve_config *config = &server->config;

	if (!config->metrics_listen.family)
		return 0;
	return metrics_open(&config->metrics_listen, config->metrics_coturn_names, &server->reports,
			    &server->metrics);
}

/* Cheap steps that can fail come first, and attaching to devices comes last. */
static int open_server(struct server *server)
{
	struct serve_config *config = &server->config;
	const struct limits_rates rates = serve_turn_rates(config);
	const struct share_percents shares = serve_turn_shares(config);
	const struct endpoints *endpoints;
	int err = serve_privileges_open(&server->privileges, config);

	if (!err)
		err = open_loop(server);
	if (!err)
		err = serve_addresses_open(server->base, config, on_addresses, server,
					   &server->addresses);
	if (err)
		return err;
	endpoints = serve_addresses_endpoints(server->addresses);
	server->max_relays = serve_turn_max_relays(config, endpoints);
	config->datapath.max_policers = serve_turn_policers(server->max_relays);
	config->datapath.max_waiting = MAX_WAITING;
	err = open_control(server);
	if (!err)
		err = open_metrics(server);
	if (!err)
		err = datapath_open(server->base, serve_devices_mode(config), &config->datapath,
				    &rates, &shares, &server->datapath);
	if (!err)
		err = open_turn(server);
	if (!err)
		err = attach_devices(server);
	return err ? err : serve_privileges_drop(&server->privileges, server->datapath);
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

static void close_server(struct server *server)
{
	drain_free(server->drain);
	/* Answers may be on a tour of the workers: they outlive them. */
	if (server->control)
		control_stop(server->control);
	if (server->metrics)
		metrics_stop(server->metrics);
	workers_close(server->workers);
	serve_manager_close(server->manager);
	blocks_close(server->blocks);
	control_close(server->control);
	metrics_close(server->metrics);
	serve_listen_close(&server->listen);
	datapath_close(server->datapath);
	serve_addresses_close(server->addresses);
	broker_stop();
	events_end_period();
	for (size_t i = 0; i < N_SIGNALS; i++)
		free_event(server->signals[i]);
	free_event(server->minute);
	if (server->base)
		event_base_free(server->base);
	libevent_global_shutdown();
	serve_config_free(&server->config);
}

static int log_device(const struct turnpike_status *status, void *arg)
{
	(void)arg;
	log_at(LOG_INFO, "%s: mode %s, moves %s, hook %s: %s", status->dev,
	       turnpike_mode_name(status->mode), turnpike_moves_name(status->moves),
	       turnpike_hook_name(status->hook), status->why);
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
	const struct endpoints *endpoints = serve_addresses_endpoints(server->addresses);
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < endpoints->n_plain; i++)
		log_at(LOG_INFO, "listening on %s", addr_format(&endpoints->plain[i], text));
	for (size_t i = 0; i < endpoints->n_secure; i++)
		log_at(LOG_INFO, "listening on %s (TLS, DTLS)",
		       addr_format(&endpoints->secure[i], text));
	datapath_for_each_device(server->datapath, log_device, NULL);
	serve_turn_warn_limit(&server->config, endpoints);
	serve_turn_warn_private(&server->config, endpoints);
	log_flush();
	printf("ready");
	datapath_for_each_device(server->datapath, print_device, NULL);
	printf("\n");
	fflush(stdout);
	notify_manager("READY=1\nSTATUS=serving");
}

/* All processes of the server exist by now. */
static int start_log(void)
{
	const int err = log_start();

	if (err)
		log_error("cannot start the thread that writes the log: %s; raise LimitNPROC=",
			  strerror(-err));
	return err;
}

static enum cli_status serve(struct server *server)
{
	if (open_server(server))
		return CLI_ERROR;
	server->reports = (struct report_source){
		.datapath = server->datapath,
		.workers = server->workers,
		.loop = control_loop(server->control),
		.blocks = server->blocks,
		.endpoints = serve_addresses_endpoints(server->addresses),
		.admission = server->listen.listen.admission,
		.certificate = server->listen.certificate,
		.realm = server->config.realm,
		.doubt = server->doubt,
		.started = clock_now(),
	};
	if (start_log() || workers_start(server->workers) || control_start(server->control) ||
	    (server->metrics && metrics_start(server->metrics)) ||
	    workers_pin(server->workers, server->config.worker_cpus, server->config.n_worker_cpus))
		return CLI_ERROR;
	announce(server);
	if (serve_manager_open(server->base, &server->reports, &server->manager))
		log_error("cannot tell the service manager about the server: out of memory");
	if (event_base_dispatch(server->base) == 0)
		return CLI_OK;
	log_error("the event loop failed: %s", strerror(errno));
	return CLI_ERROR;
}

enum cli_status command_serve(int argc, char **argv)
{
	struct server server = { 0 };
	enum cli_status status;

	handshake_memory_install();
	log_hold();
	status = serve_config_parse(argc, argv, &server.config);
	if (status == CLI_OK && !server.config.check_only)
		serve_set_log(&server.config);
	log_release();
	if (status != CLI_OK)
		return status;
	status = server.config.check_only ? check_start(&server.config) : serve(&server);
	close_server(&server);
	log_stop();
	return status;
}
