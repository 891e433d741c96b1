/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "control/control.h"
#include "control/unix_socket.h"

#define REQUEST_MAX 4096
/** Simultaneous connections; further ones wait in the backlog. */
#define CLIENTS_MAX 16
#define TIMEOUT_S   5

struct client {
	struct control *control;
	struct bufferevent *stream;
	struct client *prev;
	struct client *next;
};

struct control {
	struct event_base *base;
	struct evconnlistener *listener;
	char *path;
	json_t *(*answer)(void *arg, const json_t *request);
	void *arg;
	struct client *clients;
	unsigned int n_clients;
};

static void end_client(struct client *client)
{
	struct control *control = client->control;

	bufferevent_free(client->stream);
	DL_DELETE(control->clients, client);
	free(client);
	if (control->n_clients-- == CLIENTS_MAX)
		evconnlistener_enable(control->listener);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	(void)stream;
	end_client(arg);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	end_client(arg);
}

static json_t *answer_line(struct control *control, const char *line)
{
	json_t *request = json_loads(line, 0, NULL);
	json_t *answer = NULL;

	if (json_is_string(json_object_get(request, "command")))
		answer = control->answer(control->arg, request);
	if (!answer)
		answer = json_pack("{s:s}", "error", "unknown command");
	json_decref(request);
	return answer;
}

static int add_chunk(const char *chunk, size_t len, void *output)
{
	return evbuffer_add(output, chunk, len);
}

static void respond(struct client *client, const char *line)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);
	json_t *answer = answer_line(client->control, line);

	bufferevent_disable(client->stream, EV_READ);
	bufferevent_setcb(client->stream, NULL, on_written, on_event, client);
	if (!answer ||
	    json_dump_callback(answer, add_chunk, output, JSON_COMPACT | JSON_REAL_PRECISION(10)) ||
	    evbuffer_add(output, "\n", 1))
		end_client(client);
	json_decref(answer);
}

static void on_request(struct bufferevent *stream, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	char *line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF);

	if (line)
		respond(arg, line);
	else if (evbuffer_get_length(input) >= REQUEST_MAX)
		end_client(arg);
	free(line);
}

static struct client *new_client(struct control *control, evutil_socket_t fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->control = control;
	client->stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->stream) {
		free(client);
		return NULL;
	}
	return client;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int len, void *arg)
{
	static const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct control *control = arg;
	struct client *client = new_client(control, fd);

	(void)address;
	(void)len;
	if (!client) {
		close(fd);
		return;
	}
	DL_APPEND(control->clients, client);
	if (++control->n_clients == CLIENTS_MAX)
		evconnlistener_disable(listener);
	bufferevent_setcb(client->stream, on_request, NULL, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, REQUEST_MAX);
	bufferevent_set_timeouts(client->stream, &timeout, &timeout);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

static void log_failure(const char *path, int err)
{
	if (err == -EADDRINUSE)
		log_error("another server listens on %s: stop it, or choose another path with "
			  "--control",
			  path);
	else if (err == -EEXIST)
		log_error("%s is not a socket: remove it, or choose another path with --control",
			  path);
	else
		log_error(
			"cannot create the control socket %s: %s; choose another path with --control",
			path, strerror(-err));
}

static int listen_on(struct control *control, const char *path, const struct privileges *owner)
{
	int fd, err = unix_listen(path, owner->uid, owner->gid, &fd);

	if (err)
		return err;
	control->path = strdup(path);
	if (control->path)
		control->listener =
			evconnlistener_new(control->base, on_connection, control,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (control->listener)
		return 0;
	close(fd);
	unlink(path);
	return -ENOMEM;
}

int control_open(struct event_base *base, const char *path, const struct privileges *owner,
		 json_t *(*answer)(void *arg, const json_t *request), void *arg,
		 struct control **ret)
{
	struct control *control = calloc(1, sizeof(*control));
	int err = -ENOMEM;

	if (control) {
		*control = (struct control){ .base = base, .answer = answer, .arg = arg };
		err = listen_on(control, path, owner);
	}
	if (err) {
		log_failure(path, err);
		control_close(control);
		return err;
	}
	*ret = control;
	return 0;
}

void control_close(struct control *control)
{
	struct client *client, *next;

	if (!control)
		return;
	DL_FOREACH_SAFE(control->clients, client, next)
		end_client(client);
	if (control->listener) {
		evconnlistener_free(control->listener);
		unlink(control->path);
	}
	free(control->path);
	free(control);
}
