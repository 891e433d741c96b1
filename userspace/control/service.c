/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "control/service.h"

#define CLIENTS_MAX 16
/** For a whole request, and for each piece of an answer. */
#define TIMEOUT_S 5

/**
 * struct control_client - a connection
 * @timer:   ends a client that does not send or read
 * @answer:  NULL: the request is incomplete, or was refused
 * @is_last: there are no more pieces
 */
struct control_client {
	struct service *service;
	struct bufferevent *stream;
	struct event *timer;
	struct control_answer *answer;
	bool is_last;
	struct control_client *prev;
	struct control_client *next;
};

/**
 * struct service
 * @clients: those that have been silent for longest come first
 * @gone:    those that have gone before their answers could be freed
 */
struct service {
	struct loop *loop;
	struct evconnlistener *listener;
	const struct service_protocol *protocol;
	void *arg;
	struct control_client *clients;
	struct control_client *gone;
	unsigned int n_clients;
};

/* Is it the client's turn to send or read? Otherwise it waits for the server. */
static bool may_be_ended(const struct control_client *client)
{
	const struct control_answer *answer = client->answer;

	return !answer || answer->is_ready || answer->is_endless;
}

static struct control_client *most_silent(const struct service *service)
{
	struct control_client *client;

	DL_FOREACH(service->clients, client)
		if (may_be_ended(client))
			return client;
	return NULL;
}

/* If all wait for the server, further clients wait in the backlog. */
static void update_listener(const struct service *service)
{
	if (service->n_clients < CLIENTS_MAX || most_silent(service))
		evconnlistener_enable(service->listener);
	else
		evconnlistener_disable(service->listener);
}

static void hang_up(struct control_client *client)
{
	if (client->timer)
		event_free(client->timer);
	if (client->stream)
		bufferevent_free(client->stream);
	client->timer = NULL;
	client->stream = NULL;
}

static void free_client(struct control_client *client)
{
	hang_up(client);
	if (client->answer)
		client->answer->free(client->answer);
	free(client);
}

static bool may_be_freed(const struct control_client *client)
{
	struct control_answer *answer = client->answer;

	return !answer || !answer->leave || answer->leave(answer);
}

static void end_client(struct control_client *client)
{
	struct service *service = client->service;

	DL_DELETE(service->clients, client);
	service->n_clients--;
	if (may_be_freed(client)) {
		free_client(client);
	} else {
		hang_up(client);
		DL_APPEND(service->gone, client);
	}
	update_listener(service);
}

/* From now on, the client may be silent for a while. */
static void note_progress(struct control_client *client)
{
	static const struct timeval timeout = { .tv_sec = TIMEOUT_S };

	DL_DELETE(client->service->clients, client);
	DL_APPEND(client->service->clients, client);
	event_add(client->timer, &timeout);
}

/* A piece is in the buffer; @more is what control_answer.next has returned. */
static void send_piece(struct control_client *client, int more)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);
	const char *end = client->service->protocol->end;

	if (more < 0 || (!more && evbuffer_add(output, end, strlen(end)))) {
		end_client(client);
		return;
	}
	client->is_last = !more;
	note_progress(client);
}

static void make_piece(struct control_client *client)
{
	struct control_answer *answer = client->answer;
	const int more = answer->next(answer, bufferevent_get_output(client->stream));

	if (answer->is_ready) {
		send_piece(client, more);
		return;
	}
	event_del(client->timer);
	update_listener(client->service);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	struct control_client *client = arg;

	(void)stream;
	if (client->is_last)
		end_client(client);
	else
		make_piece(client);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	end_client(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_client(arg);
}

static void free_gone(struct control_client *client)
{
	if (!may_be_freed(client))
		return;
	DL_DELETE(client->service->gone, client);
	free_client(client);
}

void control_ready(struct control_answer *answer)
{
	struct control_client *client = answer->client;
	const struct service *service = client->service;

	answer->is_ready = true;
	if (client->stream)
		make_piece(client);
	else
		free_gone(client);
	update_listener(service);
}

static void respond(struct control_client *client, struct control_answer *answer)
{
	bufferevent_disable(client->stream, EV_READ);
	bufferevent_setcb(client->stream, NULL, on_written, on_event, client);
	event_del(client->timer);
	client->answer = answer;
	answer->client = client;
	if (answer->is_ready)
		make_piece(client);
	else
		update_listener(client->service);
}

static void on_request(struct bufferevent *stream, void *arg)
{
	struct control_client *client = arg;
	const struct service *service = client->service;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct control_answer *answer = NULL;
	const int err =
		service->protocol->begin(service->arg, bufferevent_getfd(stream), input, &answer);

	if (!err)
		respond(client, answer);
	else if (err != -EAGAIN || evbuffer_get_length(input) >= service->protocol->request_max)
		end_client(client);
}

static struct control_client *new_client(struct service *service, evutil_socket_t fd)
{
	struct event_base *base = loop_base(service->loop);
	struct control_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->service = service;
	client->timer = evtimer_new(base, on_timer, client);
	if (client->timer)
		client->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->stream)
		return client;
	free_client(client);
	return NULL;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int len, void *arg)
{
	struct service *service = arg;
	struct control_client *client;

	(void)listener;
	(void)address;
	(void)len;
	if (service->n_clients == CLIENTS_MAX && most_silent(service))
		end_client(most_silent(service));
	client = service->n_clients < CLIENTS_MAX ? new_client(service, fd) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	DL_APPEND(service->clients, client);
	service->n_clients++;
	bufferevent_setcb(client->stream, on_request, NULL, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, service->protocol->request_max);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	note_progress(client);
}

/** struct text_answer - an answer that exists already */
struct text_answer {
	struct control_answer answer;
	char text[];
};

static int write_text(struct control_answer *answer, struct evbuffer *output)
{
	const char *text = ((struct text_answer *)answer)->text;

	return evbuffer_add(output, text, strlen(text)) ? -ENOMEM : 0;
}

static void free_text(struct control_answer *answer)
{
	free(answer);
}

struct control_answer *control_text(const char *text)
{
	const size_t size = strlen(text) + 1;
	struct text_answer *result = calloc(1, sizeof(*result) + size);

	if (!result)
		return NULL;
	result->answer =
		(struct control_answer){ .next = write_text, .free = free_text, .is_ready = true };
	memcpy(result->text, text, size);
	return &result->answer;
}

static int open_listener(struct service *service, int fd)
{
	int err = loop_open(NULL, &service->loop);

	if (err)
		return err;
	service->listener =
		evconnlistener_new(loop_base(service->loop), on_connection, service,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	return service->listener ? 0 : -ENOMEM;
}

int service_open(int fd, const struct service_protocol *protocol, void *arg, struct service **ret)
{
	struct service *service = calloc(1, sizeof(*service));
	int err = -ENOMEM;

	if (service) {
		*service = (struct service){ .protocol = protocol, .arg = arg };
		err = open_listener(service, fd);
	}
	if (err) {
		close(fd);
		service_close(service);
		return err;
	}
	*ret = service;
	return 0;
}

int service_start(struct service *service, const char *name)
{
	return loop_start(service->loop, name);
}

struct loop *service_loop(const struct service *service)
{
	return service->loop;
}

void service_stop(struct service *service)
{
	loop_stop(service->loop);
}

void service_close(struct service *service)
{
	struct control_client *client, *next;

	if (!service)
		return;
	DL_FOREACH_SAFE(service->clients, client, next)
		free_client(client);
	DL_FOREACH_SAFE(service->gone, client, next)
		free_client(client);
	if (service->listener)
		evconnlistener_free(service->listener);
	loop_close(service->loop);
	free(service);
}
