/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "control/control.h"
#include "control/unix_socket.h"
#include "private/array_len.h"

#define REQUEST_MAX 4096
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
	struct control *control;
	struct bufferevent *stream;
	struct event *timer;
	struct control_answer *answer;
	bool is_last;
	struct control_client *prev;
	struct control_client *next;
};

/**
 * struct control
 * @clients: those that have been silent for longest come first
 * @gone:    those that have gone before their answers could be freed
 */
struct control {
	struct loop *loop;
	struct evconnlistener *listener;
	char *path;
	const struct control_command *commands;
	void *arg;
	struct control_client *clients;
	struct control_client *gone;
	unsigned int n_clients;
};

/* Is it the client's turn to send or read? Otherwise it waits for the server. */
static bool may_be_ended(const struct control_client *client)
{
	return !client->answer || client->answer->is_ready;
}

static struct control_client *most_silent(const struct control *control)
{
	struct control_client *client;

	DL_FOREACH(control->clients, client)
		if (may_be_ended(client))
			return client;
	return NULL;
}

/* If all wait for the server, further clients wait in the backlog. */
static void update_listener(const struct control *control)
{
	if (control->n_clients < CLIENTS_MAX || most_silent(control))
		evconnlistener_enable(control->listener);
	else
		evconnlistener_disable(control->listener);
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
	struct control *control = client->control;

	DL_DELETE(control->clients, client);
	control->n_clients--;
	if (may_be_freed(client)) {
		free_client(client);
	} else {
		hang_up(client);
		DL_APPEND(control->gone, client);
	}
	update_listener(control);
}

/* From now on, the client may be silent for a while. */
static void note_progress(struct control_client *client)
{
	static const struct timeval timeout = { .tv_sec = TIMEOUT_S };

	DL_DELETE(client->control->clients, client);
	DL_APPEND(client->control->clients, client);
	event_add(client->timer, &timeout);
}

/* A piece is in the buffer; @more is what control_answer.next has returned. */
static void send_piece(struct control_client *client, int more)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);

	if (more < 0 || (!more && evbuffer_add(output, "\n", 1))) {
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
	update_listener(client->control);
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
	DL_DELETE(client->control->gone, client);
	free_client(client);
}

void control_ready(struct control_answer *answer)
{
	struct control_client *client = answer->client;
	const struct control *control = client->control;

	answer->is_ready = true;
	if (client->stream)
		make_piece(client);
	else
		free_gone(client);
	update_listener(control);
}

static int add_chunk(const char *chunk, size_t len, void *output)
{
	return evbuffer_add(output, chunk, len);
}

static int write_document(struct evbuffer *output, json_t *document, size_t flags)
{
	const int err = json_dump_callback(document, add_chunk, output,
					   JSON_COMPACT | JSON_REAL_PRECISION(10) | flags);

	json_decref(document);
	return err ? -ENOMEM : 0;
}

int control_write(struct evbuffer *output, json_t *document)
{
	return write_document(output, document, 0);
}

int control_write_members(struct evbuffer *output, json_t *object)
{
	return write_document(output, object, JSON_EMBED);
}

static const struct control_command *find(const struct control *control, const char *name)
{
	const struct control_command *command = control->commands;

	while (command->name && strcmp(command->name, name) != 0)
		command++;
	return command->name ? command : NULL;
}

/* Who has connected, the kernel knows. */
static void log_request(const struct control_client *client, const char *command)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct log_field fields[] = { { .name = "command", .text = command },
				      { .name = "pid" },
				      { .name = "uid" } };

	getsockopt(bufferevent_getfd(client->stream), SOL_SOCKET, SO_PEERCRED, &peer, &len);
	fields[1].number = (uint64_t)peer.pid;
	fields[2].number = peer.uid;
	log_event(LOG_INFO, "control", "command on the control socket", fields, ARRAY_LEN(fields));
}

static struct control_answer *begin(struct control_client *client, const json_t *request)
{
	const struct control *control = client->control;
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct control_command *command = name ? find(control, name) : NULL;

	if (!command)
		return NULL;
	if (command->changes)
		log_request(client, command->name);
	return command->begin(control->arg, request);
}

static void respond(struct control_client *client, const char *line)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);
	json_t *request = json_loads(line, 0, NULL);

	bufferevent_disable(client->stream, EV_READ);
	bufferevent_setcb(client->stream, NULL, on_written, on_event, client);
	event_del(client->timer);
	client->answer = begin(client, request);
	json_decref(request);
	if (!client->answer) {
		send_piece(client,
			   control_write(output, json_pack("{s:s}", "error", "unknown command")));
		return;
	}
	client->answer->client = client;
	if (client->answer->is_ready)
		make_piece(client);
	else
		update_listener(client->control);
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

static struct control_client *new_client(struct control *control, evutil_socket_t fd)
{
	struct event_base *base = loop_base(control->loop);
	struct control_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->control = control;
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
	struct control *control = arg;
	struct control_client *client;

	(void)listener;
	(void)address;
	(void)len;
	if (control->n_clients == CLIENTS_MAX && most_silent(control))
		end_client(most_silent(control));
	client = control->n_clients < CLIENTS_MAX ? new_client(control, fd) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	DL_APPEND(control->clients, client);
	control->n_clients++;
	bufferevent_setcb(client->stream, on_request, NULL, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, REQUEST_MAX);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	note_progress(client);
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
	else if (err == -EPERM)
		log_error("cannot give the control socket %s to its owner and group: start the "
			  "server as root, or choose a group of its user with --control-group",
			  path);
	else
		log_error(
			"cannot create the control socket %s: %s; choose another path with --control",
			path, strerror(-err));
}

static int listen_on(struct control *control, const struct control_path *at)
{
	int fd, err = unix_listen(at->path, at->uid, at->gid, &fd);

	if (err)
		return err;
	control->path = strdup(at->path);
	if (control->path)
		control->listener =
			evconnlistener_new(loop_base(control->loop), on_connection, control,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (control->listener)
		return 0;
	close(fd);
	unlink(at->path);
	return -ENOMEM;
}

int control_open(const struct control_path *at, const struct control_command *commands, void *arg,
		 struct control **ret)
{
	struct control *control = calloc(1, sizeof(*control));
	int err = -ENOMEM;

	if (control) {
		*control = (struct control){ .commands = commands, .arg = arg };
		err = loop_open(NULL, &control->loop);
	}
	if (!err)
		err = listen_on(control, at);
	if (err) {
		log_failure(at->path, err);
		control_close(control);
		return err;
	}
	*ret = control;
	return 0;
}

int control_start(struct control *control)
{
	const int err = loop_start(control->loop, "tp-control");

	if (err)
		log_error("cannot start the thread of the control socket: %s; allow more threads",
			  strerror(-err));
	return err;
}

struct loop *control_loop(const struct control *control)
{
	return control->loop;
}

void control_stop(struct control *control)
{
	loop_stop(control->loop);
}

void control_close(struct control *control)
{
	struct control_client *client, *next;

	if (!control)
		return;
	DL_FOREACH_SAFE(control->clients, client, next)
		free_client(client);
	DL_FOREACH_SAFE(control->gone, client, next)
		free_client(client);
	if (control->listener) {
		evconnlistener_free(control->listener);
		unlink(control->path);
	}
	loop_close(control->loop);
	free(control->path);
	free(control);
}
