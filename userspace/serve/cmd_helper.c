/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `turnpike helper`: the process that has the privileges in place of a server with --helper.
 * systemd starts one for each connection to turnpike-helper.socket. It ends with the server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <turnpike/turnpike.h>
#include <unistd.h>

#include "base/log.h"
#include "control/unix_socket.h"
#include "net/broker.h"
#include "private/fd_message.h"
#include "serve/helper_hello.h"
#include "serve/serve.h"
#include "serve/serve_privileges.h"

/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
#define FIRST_PASSED 3

/** A server says hello at once, if the machine is not busy. */
#define TIMEOUT_S 30

/** struct helper - @broker: process id; 0: none */
struct helper {
	struct serve_privileges privileges;
	pid_t broker;
};

static bool is_number(const char *name, long number)
{
	const char *value = getenv(name);

	return value && strtol(value, NULL, 10) == number;
}

static int find_connection(void)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (is_number("LISTEN_PID", getpid()) && is_number("LISTEN_FDS", 1) &&
	    !getsockopt(FIRST_PASSED, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return FIRST_PASSED;
	log_error("there is no connection: systemd starts this command, by turnpike-helper.socket");
	return -1;
}

/* The mode of the socket admits nobody else, either. */
static int check_peer(const struct helper *helper, int connection)
{
	const uid_t other = helper->privileges.user.uid;
	const uid_t user = other == (uid_t)-1 ? geteuid() : other;
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	if (peer.uid != 0 && peer.uid != user) {
		log_error("process %d of user %u may not use this helper of user %u: start the "
			  "server as that user",
			  peer.pid, peer.uid, user);
		return -EPERM;
	}
	log_at(LOG_INFO, "helper of process %d of user %u", peer.pid, peer.uid);
	return 0;
}

static int start_broker(struct helper *helper, const struct hello *hello, int *socket)
{
	struct broker_plan plan = { .begin = serve_privileges_of_broker,
				    .arg = &helper->privileges };

	if (!serve_privileges_for_broker())
		return 0;
	for (size_t i = 0; i < BROKER_PORTS; i++)
		plan.ports[i] = hello->ports[i];
	return broker_fork(&plan, socket, &helper->broker);
}

static int answer(struct helper *helper, int connection, const struct hello *hello)
{
	struct welcome welcome = { .version = TURNPIKE_VERSION };
	int socket = -1;

	if (strncmp(hello->version, TURNPIKE_VERSION, sizeof(hello->version)) != 0)
		welcome.err = -EPROTO;
	else
		welcome.err = start_broker(helper, hello, &socket);
	welcome.broker = helper->broker;
	if (!fd_message_send(connection, &welcome, sizeof(welcome), socket) && !welcome.err)
		welcome.err = -EIO;
	if (socket >= 0)
		close(socket);
	return welcome.err;
}

/* Return: 0; -ENOTCONN: whoever connected has gone again, as --check-config does. */
static int welcome(struct helper *helper, int connection)
{
	struct hello hello = { 0 };
	ssize_t n;
	int fd, err = -EPROTO;

	unix_set_timeout(connection, TIMEOUT_S);
	n = fd_message_receive(connection, &hello, sizeof(hello), &fd);
	if (fd >= 0)
		close(fd);
	if (n == 0)
		return -ENOTCONN;
	/* That of another version may have another size, and its version is the first member. */
	if (n > (ssize_t)sizeof(hello.version))
		err = answer(helper, connection, &hello);
	unix_set_timeout(connection, 0);
	if (err)
		log_error("the server is of another version than " TURNPIKE_VERSION
			  ", or its sockets cannot be opened: %s",
			  strerror(-err));
	return err;
}

static int serve(struct helper *helper, int connection)
{
	TURNPIKE_OPTS(turnpike_helper_opts, opts, .begin = serve_privileges_of_helper,
		      .arg = &helper->privileges);
	int err;

	if (helper->privileges.user.uid != (uid_t)-1)
		opts.run_as = helper->privileges.user.uid;
	err = turnpike_helper_serve(connection, &opts);
	if (err)
		log_error("%s", turnpike_error(NULL));
	else
		log_at(LOG_INFO, "the server has ended: everything is detached");
	/* A server that relays in user space only has closed the connection, and uses the broker.
	 */
	if (helper->broker)
		waitpid(helper->broker, NULL, 0);
	return err;
}

enum cli_status command_helper(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike helper",
		.doc = "Have the privileges in place of a server with --helper, which has connected. "
		       "systemd starts this command by turnpike-helper.socket.",
		.options = options,
	};
	struct helper helper = { 0 };
	enum cli_status status = cli_parse(&syntax, argc, argv, &helper);
	int connection, err;

	if (status != CLI_OK)
		return status;
	connection = find_connection();
	if (connection < 0)
		return CLI_ERROR;
	err = privileges_choose(NULL, &helper.privileges.user);
	if (!err)
		err = check_peer(&helper, connection);
	if (!err)
		err = welcome(&helper, connection);
	if (!err)
		err = serve(&helper, connection);
	return err && err != -ENOTCONN ? CLI_ERROR : CLI_OK;
}
