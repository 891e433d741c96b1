/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a socket in batches. No datagram is lost or left merged while a socket stops merging,
 * although datagrams arrive at any time. A model of the receive queue replaces the calls to the
 * kernel.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <event2/event.h>

#include "net/udp_sockets.h"

#define QUEUED_MAX 1000
#define SIZE       100

/**
 * struct queue - the receive queue of the only socket
 * @merged:    datagrams in each message
 * @is_on:     UDP_GRO
 * @late:      how often a message arrives just before UDP_GRO is switched off
 * @errors:    how many calls fail because of a pending ICMP error
 * @calls:     how many calls received from it
 * @arrived:   datagrams that have arrived
 * @delivered: datagrams that were handed on
 */
static struct queue {
	unsigned int merged[QUEUED_MAX];
	unsigned int first;
	unsigned int end;
	bool is_on;
	unsigned int late;
	unsigned int errors;
	unsigned int calls;
	unsigned int arrived;
	unsigned int delivered;
} queue;

static void arrive(unsigned int datagrams)
{
	assert_in_range(queue.end, 0, QUEUED_MAX - 1);
	queue.merged[queue.end++] = datagrams;
	queue.arrived += datagrams;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags,
		    struct timespec *timeout);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int is_on;

	(void)fd;
	if (level != IPPROTO_UDP || name != UDP_GRO)
		return 0;
	assert_int_equal(len, sizeof(is_on));
	memcpy(&is_on, value, sizeof(is_on));
	if (queue.is_on && !is_on && queue.late > 0) {
		queue.late--;
		arrive(3);
	}
	queue.is_on = is_on;
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	assert_int_equal(n, 1);
	assert_int_equal(timeout, 0);
	fds->revents = queue.first < queue.end ? POLLIN : 0;
	return fds->revents ? 1 : 0;
}

static void put_size(struct msghdr *message)
{
	struct cmsghdr *header = message->msg_control;
	const int size = SIZE;

	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(size)),
				    .cmsg_level = IPPROTO_UDP,
				    .cmsg_type = UDP_GRO };
	memcpy(CMSG_DATA(header), &size, sizeof(size));
	message->msg_controllen = CMSG_SPACE(sizeof(size));
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags,
		    struct timespec *timeout)
{
	unsigned int i;

	(void)fd;
	(void)flags;
	(void)timeout;
	queue.calls++;
	if (queue.errors > 0) {
		queue.errors--;
		return -1;
	}
	for (i = 0; i < n && queue.first < queue.end; i++, queue.first++) {
		struct msghdr *message = &messages[i].msg_hdr;
		struct sockaddr_in *from = message->msg_name;

		*from = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(1000) };
		message->msg_namelen = sizeof(*from);
		message->msg_controllen = 0;
		messages[i].msg_len = queue.merged[queue.first] * SIZE;
		/* As udp_cmsg_recv(): only while the option is on. */
		if (queue.is_on && queue.merged[queue.first] > 1)
			put_size(message);
	}
	return i > 0 ? (int)i : -1;
}

static void input(void *owner, struct udp_socket *sock, const struct turnpike_addr *from,
		  const struct turn_packet *packet, uint64_t now)
{
	(void)from;
	(void)now;
	assert_int_equal(packet->len, SIZE);
	queue.delivered++;
	if (owner)
		udp_socket_close(sock);
}

static void error(void *owner, struct udp_socket *sock, const struct socket_error *error,
		  uint64_t now)
{
	(void)owner;
	(void)sock;
	(void)error;
	(void)now;
}

static void done(void *arg, uint64_t now)
{
	(void)arg;
	(void)now;
}

/* Switch merging off while the model is as given. Return: messages that were discarded. */
static uint64_t adapt(const struct queue *model, bool is_closed_by_input)
{
	static const struct udp_socket_kind kind = { .input = input, .error = error };
	const struct turnpike_addr loopback = { .family = TURNPIKE_IPV4, .ip = { 127, 0, 0, 1 } };
	struct event_base *base = event_base_new();
	struct udp_sockets *sockets = udp_sockets_new(base, done, NULL);
	struct udp_socket *sock;
	uint64_t unsplit;

	assert_non_null(sockets);
	queue = *model;
	assert_int_equal(udp_socket_open(sockets, &loopback, false, &kind,
					 is_closed_by_input ? &queue : NULL, &sock),
			 0);
	assert_true(queue.is_on);
	udp_sockets_adapt(sockets, true);
	assert_true(is_closed_by_input || !queue.is_on);
	unsplit = udp_sockets_unsplit(sockets);
	if (!is_closed_by_input)
		udp_socket_close(sock);
	udp_sockets_free(sockets);
	event_base_free(base);
	return unsplit;
}

static void test_queued(void **state)
{
	(void)state;
	assert_int_equal(
		adapt(&(struct queue){ .merged = { 1, 5, 1, 2 }, .end = 4, .arrived = 9 }, false),
		0);
	assert_int_equal(queue.delivered, 9);
}

static void test_late(void **state)
{
	(void)state;
	for (unsigned int late = 1; late < 64; late++) {
		assert_int_equal(adapt(&(struct queue){ .late = late }, false), 0);
		assert_int_equal(queue.arrived, 3 * late);
		assert_int_equal(queue.delivered, queue.arrived);
	}
}

static void test_late_behind_an_error(void **state)
{
	(void)state;
	assert_int_equal(adapt(&(struct queue){ .late = 3, .errors = 2 }, false), 0);
	assert_int_equal(queue.delivered, 9);
}

/* A socket that receives more than can be relayed: all is delivered or counted. */
static void test_flood(void **state)
{
	(void)state;
	assert_int_equal(adapt(&(struct queue){ .late = QUEUED_MAX }, false), 1);
	assert_int_equal(queue.delivered, queue.arrived - 3);
	assert_int_equal(queue.first, queue.end);
}

static void test_closed_by_input(void **state)
{
	(void)state;
	adapt(&(struct queue){ .merged = { 2 }, .end = 1, .late = 5 }, true);
	assert_int_equal(queue.delivered, 1);
}

static int activate(const struct event_base *base, const struct event *event, void *arg)
{
	(void)base;
	(void)arg;
	event_active((struct event *)event, EV_READ, 1);
	return 0;
}

/* What an event reads, of a queue of messages with one datagram each. */
static void expect_read(unsigned int queued, bool is_closed_by_input, unsigned int delivered,
			unsigned int calls)
{
	static const struct udp_socket_kind kind = { .input = input, .error = error };
	const struct turnpike_addr loopback = { .family = TURNPIKE_IPV4, .ip = { 127, 0, 0, 1 } };
	struct event_base *base = event_base_new();
	struct udp_sockets *sockets = udp_sockets_new(base, done, NULL);
	struct udp_socket *sock;

	assert_non_null(sockets);
	queue = (struct queue){ 0 };
	while (queue.end < queued)
		arrive(1);
	assert_int_equal(udp_socket_open(sockets, &loopback, false, &kind,
					 is_closed_by_input ? &queue : NULL, &sock),
			 0);
	event_base_foreach_event(base, activate, NULL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(queue.delivered, delivered);
	assert_int_equal(queue.calls, calls);
	if (!is_closed_by_input)
		udp_socket_close(sock);
	udp_sockets_free(sockets);
	event_base_free(base);
}

/* Until the queue is empty, but not for long, because other sockets wait. */
static void test_several_batches(void **state)
{
	(void)state;
	expect_read(0, false, 0, 1);
	expect_read(1, false, 1, 1);
	expect_read(20, false, 20, 2);
	expect_read(32, false, 32, 3);
	expect_read(900, false, 256, 16);
	expect_read(900, true, 1, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_batches),
		cmocka_unit_test(test_queued),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_behind_an_error),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_closed_by_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
