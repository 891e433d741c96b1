/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/streams.h"

/** Milliseconds until accept() is retried after an error, such as EMFILE. */
#define ACCEPT_RETRY_MS 250

struct streams {
	struct connections *connections;
	struct tls *tls;
	struct turnpike_addr addr;
	struct evconnlistener *listener;
	struct event *resume;
};

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct streams *streams = arg;
	struct turn_tuple tuple = { .server = streams->addr,
				    .transport = streams->tls ? TURN_TLS : TURN_TCP };
	struct sockaddr_storage client = { 0 };

	(void)listener;
	memcpy(&client, sa, (size_t)len);
	if (addr_from_sockaddr(&client, &tuple.client) ||
	    connections_denies(streams->connections, &tuple.client) ||
	    stream_open(streams->connections, streams->tls, fd, &tuple)) {
		stream_reset_at_close(fd);
		close(fd);
	}
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct streams *streams = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(streams->listener);
}

/* The listener stays readable: without a pause, libevent would call this in a busy loop. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval delay = { .tv_usec = ACCEPT_RETRY_MS * 1000 };
	struct streams *streams = arg;

	streams->connections->stats.unaccepted++;
	evconnlistener_disable(listener);
	event_add(streams->resume, &delay);
}

int streams_open(struct connections *connections, const struct turnpike_addr *addr, bool reuseport,
		 struct tls *tls, struct streams **ret)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	int fd, err;

	if (!streams)
		return -ENOMEM;
	*streams = (struct streams){ .connections = connections, .tls = tls, .addr = *addr };
	err = socket_listen(addr, reuseport, &fd);
	if (err)
		goto free_streams;
	err = -ENOMEM;
	streams->resume = evtimer_new(connections->base, on_resume, streams);
	if (!streams->resume)
		goto close_fd;
	/* The backlog is 0 because the socket is listening already. */
	streams->listener =
		evconnlistener_new(connections->base, on_accept, streams,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!streams->listener)
		goto close_fd;
	evconnlistener_set_error_cb(streams->listener, on_accept_error);
	*ret = streams;
	return 0;
close_fd:
	close(fd);
free_streams:
	if (streams->resume)
		event_free(streams->resume);
	free(streams);
	return err;
}

void streams_close(struct streams *streams)
{
	if (!streams)
		return;
	evconnlistener_free(streams->listener);
	event_free(streams->resume);
	free(streams);
}
