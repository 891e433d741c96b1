/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/serve_helper.h"

#include <string.h>
#include <turnpike/version.h>
#include <unistd.h>

#include "base/log.h"
#include "control/unix_socket.h"
#include "net/broker.h"
#include "private/fd_message.h"
#include "serve/helper_hello.h"

/** systemd starts the helper once the server has connected, and a busy machine takes long. */
#define TIMEOUT_S 30

static int connect_to(const char *path, int *ret)
{
	const int err = unix_connect(path, SOCK_SEQPACKET, ret);

	if (err)
		log_error(
			"cannot connect to %s: %s; start turnpike-helper.socket, or leave out --helper",
			path, strerror(-err));
	return err;
}

int serve_helper_check(const char *path)
{
	int fd;
	const int err = connect_to(path, &fd);

	if (!err)
		close(fd);
	return err;
}

static int log_refusal(const char *path, const struct welcome *welcome)
{
	if (welcome->err == -EPROTO)
		log_error("the helper at %s has version %.*s and not " TURNPIKE_VERSION
			  ": install one version, and restart the server",
			  path, HELLO_VERSION_MAX, welcome->version);
	else
		log_error("the helper at %s cannot start the process that opens sockets: %s", path,
			  strerror(-welcome->err));
	return welcome->err;
}

static int use_broker(const char *path, int socket, const struct welcome *welcome)
{
	const int err = socket < 0 ? -EPROTO : broker_use(socket, welcome->broker);

	if (err)
		log_error("the broker of the helper at %s does not work: %s", path, strerror(-err));
	return err;
}

/* A file descriptor that nobody expects is closed. */
static int exchange(int connection, const struct hello *hello, struct welcome *welcome, int *broker)
{
	if (!fd_message_send(connection, hello, sizeof(*hello), -1) ||
	    fd_message_receive(connection, welcome, sizeof(*welcome), broker) != sizeof(*welcome)) {
		*welcome = (struct welcome){ .err = -EIO };
		return -EIO;
	}
	return welcome->err;
}

static int greet(const struct serve_config *config, int connection)
{
	struct hello hello = { .version = TURNPIKE_VERSION };
	bool ports[IPPORT_RESERVED] = { false };
	struct welcome welcome;
	int broker = -1, err;

	unix_set_timeout(connection, TIMEOUT_S);
	serve_config_low_ports(config, ports);
	for (size_t i = 0; i < IPPORT_RESERVED; i++)
		hello.ports[i] = ports[i];
	err = exchange(connection, &hello, &welcome, &broker);
	if (err == -EIO)
		log_error("the helper at %s did not answer: see 'journalctl -u turnpike-helper@*'",
			  config->helper);
	else if (err)
		log_refusal(config->helper, &welcome);
	else if (welcome.broker)
		return use_broker(config->helper, broker, &welcome);
	if (broker >= 0)
		close(broker);
	return err;
}

int serve_helper_connect(const struct serve_config *config, int *ret)
{
	int connection, err = connect_to(config->helper, &connection);

	if (err)
		return err;
	err = greet(config, connection);
	if (err) {
		close(connection);
		return err;
	}
	unix_set_timeout(connection, 0); /* libturnpike has limits of its own */
	*ret = connection;
	return 0;
}
