/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "net/broker.h"
#include "private/array_len.h"
#include "private/fd_message.h"

/** Workers wait for an answer, which takes microseconds. */
#define TIMEOUT_S 5
/** The server's start waits until the broker has begun. */
#define START_S 30

enum request_kind {
	REQUEST_BIND,
	REQUEST_BUFFER,
};

/** struct request - comes with one descriptor; the answer is an int32_t */
struct request {
	uint32_t kind;
	int32_t bytes;
	struct turnpike_addr addr;
};

/** The server's side. */
static struct {
	pthread_mutex_t lock;
	int socket; /* -1: there is none */
	pid_t pid;
} broker = { .lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1 };

static int raw_bind(int fd, const struct turnpike_addr *addr)
{
	struct sockaddr_storage sa;
	const socklen_t len = addr_to_sockaddr(addr, &sa);

	return bind(fd, (const struct sockaddr *)&sa, len) ? -errno : 0;
}

/* SO_RCVBUFFORCE requires CAP_NET_ADMIN. */
static int force_buffer(int fd, int bytes)
{
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ? -errno : 0;
}

static int option_of(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) ? -1 : value;
}

static bool is_of_server(int fd)
{
	const int family = option_of(fd, SO_DOMAIN), type = option_of(fd, SO_TYPE);

	return (family == AF_INET || family == AF_INET6) &&
	       (type == SOCK_DGRAM || type == SOCK_STREAM);
}

static int run(const struct broker_plan *plan, const struct request *request, int fd)
{
	const unsigned int port = ntohs(request->addr.port);

	if (!is_of_server(fd))
		return -EBADF;
	switch (request->kind) {
	case REQUEST_BIND:
		if (request->addr.family != TURNPIKE_IPV4 && request->addr.family != TURNPIKE_IPV6)
			return -EINVAL;
		return port < BROKER_PORTS && plan->ports[port] ? raw_bind(fd, &request->addr)
								: -EACCES;
	case REQUEST_BUFFER:
		return request->bytes > 0 && request->bytes <= BROKER_BYTES_MAX
			       ? force_buffer(fd, request->bytes)
			       : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* Returns whether there was a request with a descriptor. */
static bool receive(int socket, struct request *request, int *fd)
{
	const ssize_t n = fd_message_receive(socket, request, sizeof(*request), fd);

	if (n == sizeof(*request) && *fd >= 0)
		return true;
	if (*fd >= 0)
		close(*fd);
	return false;
}

static void serve(const struct broker_plan *plan, int socket)
{
	struct request request;
	int32_t err;
	int fd;

	while (receive(socket, &request, &fd)) {
		err = run(plan, &request, fd);
		close(fd);
		if (send(socket, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err))
			break;
	}
}

/* Ctrl-C, or a signal to the group, is for the server. All descriptors but stderr are closed. */
static int leave_server(int *socket)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int moved = fcntl(*socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (null < 0 || moved < 0)
		return -errno;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(moved, STDERR_FILENO + 1);
	*socket = STDERR_FILENO + 1;
	close_range((unsigned int)*socket + 1, ~0u, 0);
	setsid();
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "tp-broker");
	return 0;
}

static void be_broker(const struct broker_plan *plan, int socket)
{
	int32_t err = leave_server(&socket);

	if (!err)
		err = plan->begin(plan->arg);
	if (send(socket, &err, sizeof(err), MSG_NOSIGNAL) == sizeof(err) && !err)
		serve(plan, socket);
	_exit(0);
}

static int read_answer(void)
{
	int32_t err;
	ssize_t n;

	do
		n = recv(broker.socket, &err, sizeof(err), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : -EOWNERDEAD;
}

int broker_fork(const struct broker_plan *plan, int *ret, pid_t *pid)
{
	int sockets[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	child = fork();
	if (child == 0)
		be_broker(plan, sockets[1]);
	close(sockets[1]);
	if (child < 0) {
		close(sockets[0]);
		return -EAGAIN;
	}
	*ret = sockets[0];
	*pid = child;
	return 0;
}

static void set_timeout(time_t seconds)
{
	const struct timeval timeout = { .tv_sec = seconds };

	setsockopt(broker.socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(broker.socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

int broker_use(int socket, pid_t pid)
{
	int err;

	broker.socket = socket;
	broker.pid = pid;
	set_timeout(START_S);
	err = read_answer();
	set_timeout(TIMEOUT_S);
	if (err)
		broker_stop();
	return err;
}

int broker_start(const struct broker_plan *plan)
{
	int socket, err;
	pid_t pid;

	err = broker_fork(plan, &socket, &pid);
	return err ? err : broker_use(socket, pid);
}

/* With the lock. */
static void forget(void)
{
	close(broker.socket);
	broker.socket = -1;
}

void broker_stop(void)
{
	if (broker.socket >= 0)
		forget();
	/* One that another process has forked is not waited for. */
	if (broker.pid > 0)
		while (waitpid(broker.pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	broker.pid = 0;
}

static int exchange(const struct request *request, int fd)
{
	if (!fd_message_send(broker.socket, request, sizeof(*request), fd))
		return -EOWNERDEAD;
	return read_answer();
}

static int ask(const struct request *request, int fd)
{
	int err = -EOWNERDEAD;

	pthread_mutex_lock(&broker.lock);
	if (broker.socket >= 0) {
		err = exchange(request, fd);
		if (err == -EOWNERDEAD) {
			forget();
			log_at(LOG_WARNING,
			       "the broker of sockets has ended: restart the server to get large "
			       "receive buffers and ports below 1024 again");
		}
	}
	pthread_mutex_unlock(&broker.lock);
	return err;
}

int broker_bind(int fd, const struct turnpike_addr *addr)
{
	const struct request request = { .kind = REQUEST_BIND, .addr = *addr };
	int err;

	if (ntohs(addr->port) >= BROKER_PORTS || !addr->port)
		return raw_bind(fd, addr);
	err = ask(&request, fd);
	return err == -EOWNERDEAD ? raw_bind(fd, addr) : err;
}

void broker_set_receive_buffer(int fd, int bytes)
{
	const struct request request = { .kind = REQUEST_BUFFER, .bytes = bytes };

	if (force_buffer(fd, bytes) && ask(&request, fd))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

pid_t broker_pid(void)
{
	pid_t pid;

	pthread_mutex_lock(&broker.lock);
	pid = broker.socket >= 0 ? broker.pid : 0;
	pthread_mutex_unlock(&broker.lock);
	return pid;
}
