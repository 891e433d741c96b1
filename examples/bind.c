/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Relays one channel binding in the kernel until it is interrupted, then prints the counters.
 *
 *	cc bind.c $(pkg-config --cflags --libs turnpike) -o bind
 *	./bind eth0 192.0.2.7:40000 192.0.2.1:3478 192.0.2.1:50000 198.51.100.9:6000
 *
 * ChannelData on channel 0x4000 from the client (the first address) to the server (the second)
 * leaves as UDP from the relayed address (the third) to the peer (the fourth), and the other way
 * round. A TURN server has these addresses from its Allocate and ChannelBind requests. It also
 * relays the first packet of each direction, which confirms the flow.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <turnpike/turnpike.h>

#define SECOND 1000000000ull

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static __u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (__u64)time.tv_sec * SECOND + (__u64)time.tv_nsec;
}

/* "192.0.2.1:3478" */
static int parse(const char *text, struct turnpike_addr *ret)
{
	struct turnpike_addr addr = { .family = TURNPIKE_IPV4 };
	char ip[INET_ADDRSTRLEN] = "";
	unsigned short port = 0;

	if (sscanf(text, "%15[0-9.]:%hu", ip, &port) != 2 || inet_pton(AF_INET, ip, addr.ip) != 1)
		return -EINVAL;
	addr.port = htons(port);
	*ret = addr;
	return 0;
}

static int print_device(const struct turnpike_status *status, void *arg)
{
	(void)arg;
	printf("%s: mode %s: %s\n", status->dev, turnpike_mode_name(status->mode), status->why);
	return 0;
}

static void print_change(const struct turnpike_change *change, void *arg)
{
	print_device(change->to, arg);
}

static int print_count(const struct turnpike_count *count, void *arg)
{
	(void)arg;
	printf("%s: %s: %" PRIu64 " packets, %" PRIu64 " bytes: %s\n", count->dev,
	       turnpike_direction_name(count->direction), (uint64_t)count->packets,
	       (uint64_t)count->bytes, turnpike_verdict_text(count->verdict));
	return 0;
}

/* A server has an event loop already: add turnpike_fd() to it, and a timer of one second. */
static void run(struct turnpike *tp)
{
	struct pollfd fd = { .fd = turnpike_fd(tp), .events = POLLIN };

	while (!interrupted) {
		poll(&fd, 1, 1000);
		if (turnpike_poll(tp))
			fprintf(stderr, "%s\n", turnpike_error(tp));
	}
}

static int relay(struct turnpike *tp, const char *dev, const struct turnpike_binding *binding)
{
	int err;

	turnpike_on_change(tp, print_change, NULL);
	err = turnpike_attach(tp, dev, NULL);
	if (!err)
		err = turnpike_bind(tp, binding);
	if (err) {
		fprintf(stderr, "%s\n", turnpike_error(tp));
		return err;
	}
	turnpike_for_each_device(tp, print_device, NULL);
	fflush(stdout);
	run(tp);
	turnpike_for_each_count(tp, print_count, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	/* RFC 8656: a channel lasts 10 minutes, a permission 5. */
	TURNPIKE_OPTS(turnpike_binding, binding, .channel = 0x4000,
		      .channel_expires = now() + 600 * SECOND,
		      .permission_expires = now() + 300 * SECOND);
	const struct sigaction action = { .sa_handler = on_signal };
	struct turnpike *tp;
	int err;

	if (argc != 6 || parse(argv[2], &binding.client) || parse(argv[3], &binding.server) ||
	    parse(argv[4], &binding.relay) || parse(argv[5], &binding.peer)) {
		fprintf(stderr, "usage: %s DEV CLIENT:PORT SERVER:PORT RELAY:PORT PEER:PORT\n",
			argv[0]);
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (turnpike_open(NULL, &tp)) {
		fprintf(stderr, "%s\n", turnpike_error(NULL));
		return 1;
	}
	err = relay(tp, argv[1], &binding);
	turnpike_close(tp);
	return err ? 1 : 0;
}
