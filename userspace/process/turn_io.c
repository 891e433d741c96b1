/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/socket.h"
#include "net/udp_sockets.h"
#include "process/events.h"
#include "process/turn_io.h"
#include "process/watchers.h"
#include "turn/walk.h"

/** Receive buffer of a relay socket, which has few peers. */
#define RELAY_RECEIVE_BYTES (1 << 20)

/** The socket of a relayed transport address. */
struct relay_socket {
	struct turn_io *io;
	struct turn_relay *relay;
	struct udp_socket *sock;
};

struct turn_io {
	struct event_base *base;
	struct datapath *datapath;
	struct turn_server *server;
	struct udp_sockets *sockets;
	struct event *timer; /* of expiries and interim records */
	uint64_t armed;      /* expiry of @timer */
	struct listeners *listeners;
	struct connections connections;
};

static uint64_t next_due(const struct turn_io *io)
{
	const uint64_t expiry = turn_server_next_expiry(io->server);
	const uint64_t record = turn_server_next_record(io->server);

	return record < expiry ? record : expiry;
}

static void arm_timer(struct turn_io *io, uint64_t now)
{
	uint64_t next = next_due(io);
	/* Rounded up, so that no wake-up is too early. */
	uint64_t us = next > now ? (next - now - 1) / 1000 + 1 : 0;
	struct timeval delay = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	if (next == io->armed)
		return;
	io->armed = next;
	if (next == TURN_NEVER)
		event_del(io->timer);
	else
		event_add(io->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct turn_io *io = arg;
	uint64_t now = clock_now();

	(void)fd;
	(void)what;
	turn_server_expire(io->server, now);
	turn_server_record(io->server, now);
	io->armed = TURN_NEVER;
	arm_timer(io, now);
}

static void on_done(void *arg, uint64_t now)
{
	arm_timer(arg, now);
}

static void client_input(void *ctx, const struct turn_tuple *tuple,
			 const struct turn_packet *packet, uint64_t now)
{
	struct turn_io *io = ctx;

	turn_server_client_input(io->server, tuple, packet, now);
}

static void client_gone(void *ctx, const struct turn_tuple *tuple)
{
	struct turn_io *io = ctx;
	const uint64_t now = clock_now();

	turn_server_client_gone(io->server, tuple, now);
	arm_timer(io, now);
}

static bool client_has_allocation(void *ctx, const struct turn_tuple *tuple)
{
	const struct turn_io *io = ctx;

	return turn_server_has_allocation(io->server, tuple);
}

static void path_changed(void *ctx, const struct turnpike_addr *local,
			 const struct turnpike_addr *remote)
{
	struct turn_io *io = ctx;

	datapath_path_changed(io->datapath, local, remote);
}

static const struct client_ops client_ops = {
	.input = client_input,
	.done = on_done,
	.gone = client_gone,
	.has_allocation = client_has_allocation,
	.path_changed = path_changed,
};

static void peer_input(void *owner, struct udp_socket *sock, const struct turnpike_addr *from,
		       const struct turn_packet *packet, uint64_t now)
{
	const struct turnpike_addr peer = addr_without_zone(from);
	struct relay_socket *relay = owner;

	(void)sock;
	turn_server_peer_input(relay->io->server, relay->relay, &peer, packet, now);
}

static void peer_error(void *owner, struct udp_socket *sock, const struct socket_error *error,
		       uint64_t now)
{
	const struct turnpike_addr peer = addr_without_zone(&error->to);
	struct relay_socket *relay = owner;

	if (error->is_too_big)
		path_changed(relay->io, udp_socket_addr(sock), &peer);
	turn_server_icmp_input(relay->io->server, relay->relay, &peer, &error->icmp, now);
}

static const struct udp_socket_kind relay_kind = {
	.receive_bytes = RELAY_RECEIVE_BYTES,
	.input = peer_input,
	.error = peer_error,
};

void turn_io_adapt(struct turn_io *io, bool in_kernel)
{
	udp_sockets_adapt(io->sockets, in_kernel);
}

static void send_client(void *ctx, const struct turn_tuple *tuple, const uint8_t *data, size_t len)
{
	struct turn_io *io = ctx;
	struct udp_socket *sock;

	if (tuple->transport != TURN_UDP) {
		connections_send(&io->connections, tuple, data, len);
		return;
	}
	sock = listeners_find_udp(io->listeners, &tuple->server);
	if (sock)
		udp_socket_send(sock, &tuple->client, udp_socket_fields(sock, data), data, len);
}

static void send_peer(void *ctx, void *handle, const struct turnpike_addr *peer,
		      const uint8_t *data, size_t len, bool dont_fragment)
{
	struct relay_socket *relay = handle;
	struct udp_tx_fields fields = udp_socket_fields(relay->sock, data);

	(void)ctx;
	fields.dont_fragment = dont_fragment;
	udp_socket_send(relay->sock, peer, fields, data, len);
}

static int open_relay(void *ctx, const struct turnpike_addr *addr, struct turn_relay *relay,
		      void **handle)
{
	struct relay_socket *result = malloc(sizeof(*result));
	struct turn_io *io = ctx;
	int err;

	if (!result)
		return -ENOMEM;
	*result = (struct relay_socket){ .io = io, .relay = relay };
	err = udp_socket_open(io->sockets, addr, false, &relay_kind, result, &result->sock);
	if (err)
		free(result);
	else
		*handle = result;
	return err;
}

static void close_relay(void *ctx, void *handle)
{
	struct relay_socket *relay = handle;

	(void)ctx;
	udp_socket_close(relay->sock);
	free(relay);
}

static int install_flow(void *ctx, const struct turn_flow *flow)
{
	struct turn_io *io = ctx;

	return datapath_bind(io->datapath, flow);
}

static void flow_traffic(void *ctx, const struct turn_flow *flow,
			 struct turn_traffic traffic[TURN_DIRECTIONS])
{
	struct turn_io *io = ctx;

	datapath_traffic(io->datapath, flow, traffic);
}

static void remove_flow(void *ctx, const struct turn_flow *flow)
{
	struct turn_io *io = ctx;

	datapath_unbind(io->datapath, flow);
}

static int limit(void *ctx, const char *account, void **limits)
{
	struct turn_io *io = ctx;

	return datapath_limit(io->datapath, account, limits);
}

static void unlimit(void *ctx, void *limits)
{
	struct turn_io *io = ctx;

	datapath_unlimit(io->datapath, limits);
}

static bool police(void *ctx, void *limits, enum turn_direction direction, size_t len)
{
	(void)ctx;
	return datapath_police(limits, direction, len);
}

static uint64_t reach(void *ctx, const char *account, const struct turnpike_addr *relay,
		      const struct turnpike_addr *peer, bool again, uint64_t now)
{
	struct turn_io *io = ctx;

	return datapath_reach(io->datapath, account, relay, peer, again, now);
}

static bool admits(void *ctx, const char *username, const char *account)
{
	const struct turn_io *io = ctx;
	const struct block_set *blocked = io->connections.blocked;

	return !block_set_has_user(blocked, username) && !block_set_has_user(blocked, account);
}

static void note_event(void *ctx, const struct turn_event *event)
{
	(void)ctx;
	events_note(event);
}

static bool is_watched(void *ctx)
{
	(void)ctx;
	return watchers_exist();
}

static uint64_t unix_time(void *ctx)
{
	(void)ctx;
	return (uint64_t)time(NULL);
}

static void fill_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	random_fill(buf, len);
}

static const struct turn_ops ops = {
	.send_client = send_client,
	.send_peer = send_peer,
	.open_relay = open_relay,
	.close_relay = close_relay,
	.install_flow = install_flow,
	.flow_traffic = flow_traffic,
	.remove_flow = remove_flow,
	.limit = limit,
	.unlimit = unlimit,
	.police = police,
	.reach = reach,
	.admits = admits,
	.event = note_event,
	.is_watched = is_watched,
	.unix_time = unix_time,
	.random = fill_random,
};

int turn_io_try_relay(const struct turnpike_addr *relay)
{
	const struct turnpike_addr addr = addr_without_port(relay);
	int fd, err = socket_open(&addr, false, RELAY_RECEIVE_BYTES, false, &fd);

	if (!err)
		close(fd);
	return err;
}

static int set_up(struct turn_io *io, const struct listen_config *listen,
		  const struct turn_config *config, bool reuseport)
{
	int err;

	connections_init(&io->connections, io->base, listen->admission, &client_ops, io);
	io->connections.denied = listen->denied;
	io->sockets = udp_sockets_new(io->base, on_done, io);
	io->timer = evtimer_new(io->base, on_timer, io);
	err = io->sockets && io->timer ? 0 : -ENOMEM;
	if (!err)
		err = turn_server_new(config, &ops, io, &io->server);
	if (err) {
		log_error("cannot create the TURN server: %s", strerror(-err));
		return err;
	}
	return listeners_open(io->sockets, &io->connections, listen, reuseport, &io->listeners);
}

int turn_io_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config,
		 bool reuseport, struct turn_io **ret)
{
	struct turn_io *io = calloc(1, sizeof(*io));
	int err;

	if (!io) {
		log_error("out of memory");
		return -ENOMEM;
	}
	io->base = base;
	io->datapath = datapath;
	io->armed = TURN_NEVER;
	err = set_up(io, listen, config, reuseport);
	if (err) {
		turn_io_close(io);
		return err;
	}
	*ret = io;
	return 0;
}

void turn_io_close(struct turn_io *io)
{
	if (!io)
		return;
	turn_server_free(io->server, clock_now());
	connections_close(&io->connections);
	listeners_close(io->listeners);
	if (io->timer)
		event_free(io->timer);
	udp_sockets_free(io->sockets);
	free(io);
}

int turn_io_reconfigure(struct turn_io *io, const struct turn_config *config)
{
	const uint64_t now = clock_now();
	const int err = turn_server_reconfigure(io->server, config, now);

	arm_timer(io, now);
	return err;
}

int turn_io_listen(struct turn_io *io, const struct listen_config *listen)
{
	return listeners_update(io->listeners, listen);
}

static bool is_denied(void *denied, const struct turn_allocation_info *info)
{
	const struct turnpike_addr client = addr_without_zone(&info->tuple.client);

	return cidr_set_has(denied, &client);
}

void turn_io_deny(struct turn_io *io, const struct cidr_set *denied)
{
	turn_server_end_allocations(io->server, is_denied, (void *)denied, "denied", clock_now());
	connections_deny(&io->connections, denied);
}

void turn_io_block(struct turn_io *io, const struct block_set *blocked)
{
	io->connections.blocked = blocked;
}

void turn_io_end_denied(struct turn_io *io)
{
	connections_end_denied(&io->connections);
}

struct turn_server *turn_io_server(const struct turn_io *io)
{
	return io->server;
}

const struct connection_stats *turn_io_connections(const struct turn_io *io)
{
	return &io->connections.stats;
}

uint64_t turn_io_unsent(const struct turn_io *io)
{
	return udp_sockets_unsent(io->sockets);
}

uint64_t turn_io_unsplit(const struct turn_io *io)
{
	return udp_sockets_unsplit(io->sockets);
}
