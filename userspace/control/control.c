/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "control/control.h"
#include "control/unix_socket.h"
#include "private/array_len.h"

struct control {
	struct service *service;
	char *path;
	const struct control_command *commands;
	void *arg;
};

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
static void log_request(int fd, const char *command)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct log_field fields[] = { { .name = "command", .text = command },
				      { .name = "pid" },
				      { .name = "uid" } };

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	fields[1].number = (uint64_t)peer.pid;
	fields[2].number = peer.uid;
	log_event(LOG_INFO, "control", "command on the control socket", fields, ARRAY_LEN(fields));
}

static struct control_answer *begin(const struct control *control, int fd, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct control_command *command = name ? find(control, name) : NULL;
	struct control_answer *answer = NULL;

	if (command && command->changes)
		log_request(fd, command->name);
	if (command)
		answer = command->begin(control->arg, request);
	return answer ? answer : control_text("{\"error\":\"unknown command\"}");
}

static int begin_line(void *arg, int fd, struct evbuffer *input, struct control_answer **answer)
{
	char *line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF);
	json_t *request;

	if (!line)
		return -EAGAIN;
	request = json_loads(line, 0, NULL);
	*answer = begin(arg, fd, request);
	json_decref(request);
	free(line);
	return *answer ? 0 : -ENOMEM;
}

static const struct service_protocol lines = {
	.request_max = 4096,
	.end = "\n",
	.begin = begin_line,
};

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
		return service_open(fd, &lines, control, &control->service);
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
		err = listen_on(control, at);
	}
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
	const int err = service_start(control->service, "tp-control");

	if (err)
		log_error("cannot start the thread of the control socket: %s; allow more threads",
			  strerror(-err));
	return err;
}

struct loop *control_loop(const struct control *control)
{
	return service_loop(control->service);
}

void control_stop(struct control *control)
{
	service_stop(control->service);
}

void control_close(struct control *control)
{
	if (!control)
		return;
	service_close(control->service);
	if (control->path)
		unlink(control->path);
	free(control->path);
	free(control);
}
