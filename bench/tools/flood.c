/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One client on UDP floods the server, while the others send a packet now and then, which their
 * peers echo. The peer of the first client is expected to be a program that drops (sink.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "times.h"
#include "tool.h"
#include "transports.h"

#define PATIENCE_NS (NSEC / 5)
#define PROBE_NS    (NSEC / 5000) /* between two probes, each of the next client */
#define RUN         64            /* packets that leave together */
#define READY_MAX   64
#define PROBES_MAX  (1 << 17)

/** struct stamp - beginning of a probe's data */
struct stamp {
	uint64_t sent;
	uint64_t number;
};

/** struct probing - @took: round-trip times, ns; 0: not yet back */
struct probing {
	struct load *load;
	__u64 *took;
	uint64_t n;
};

static void send_probe(struct probing *probing)
{
	struct load *load = probing->load;
	const uint32_t index = 1 + (uint32_t)(probing->n % (load->clients.n - 1));
	const struct stamp stamp = { clock_now(), probing->n++ };
	uint8_t message[UDP_ROOM];

	memcpy(message, load->message, HEADER + load->size);
	memcpy(message + HEADER, &stamp, sizeof(stamp));
	if (send(link_fd(load->links[index]), message, HEADER + load->size, 0) < 0)
		die(-errno, "sending a probe");
}

static void echo(struct load *load)
{
	const unsigned int received = udp_receive(load->peer);

	for (unsigned int i = 0; i < received; i++) {
		const struct udp_datagram datagram = udp_received(load->peer, i);
		struct stamp stamp;
		uint32_t index;

		memcpy(&stamp, datagram.data, sizeof(stamp));
		index = 1 + (uint32_t)(stamp.number % (load->clients.n - 1));
		memcpy(udp_next(load->peer), datagram.data, datagram.len);
		udp_send(load->peer, peer_address(&load->clients, index).sin_addr, &datagram.from,
			 datagram.len);
	}
	udp_flush(load->peer);
}

static void take_times(struct probing *probing)
{
	struct load *load = probing->load;
	struct epoll_event ready[READY_MAX];
	const int n = epoll_wait(load->epoll, ready, READY_MAX, 0);

	for (int i = 0; i < n; i++) {
		uint8_t message[UDP_ROOM];
		struct stamp stamp;

		if (recv(link_fd(load->links[ready[i].data.u32]), message, sizeof(message), 0) !=
		    (ssize_t)(HEADER + load->size))
			continue;
		memcpy(&stamp, message + HEADER, sizeof(stamp));
		if (stamp.number < probing->n)
			probing->took[stamp.number] = clock_now() - stamp.sent;
	}
}

/* A flood in runs, which the kernel merges, is faster than the server. */
static uint64_t send_flood(struct load *load, uint64_t due)
{
	const size_t len = HEADER + load->size;
	const int size = (int)len, fd = link_fd(load->links[0]);
	uint8_t run[RUN * UDP_ROOM];

	if (due < RUN)
		return 0;
	for (size_t i = 0; i < RUN; i++)
		memcpy(run + i * len, load->message, len);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) ||
	    send(fd, run, RUN * len, 0) < 0)
		die(-errno, "flooding");
	return RUN;
}

static void await_rest(struct probing *probing)
{
	const uint64_t end = clock_now() + PATIENCE_NS;

	while (clock_now() < end) {
		echo(probing->load);
		take_times(probing);
	}
}

void flood(struct load *load, uint64_t pps, uint64_t ms)
{
	const uint64_t start = clock_now(), end = start + ms * (NSEC / 1000);
	struct probing probing = { .load = load, .took = calloc(PROBES_MAX, sizeof(__u64)) };
	uint64_t now = start, sent = 0;
	size_t back;

	if (!probing.took || load->transport != OVER_UDP || load->clients.n < 2)
		die(0, "a flood needs clients on UDP, and more than one");
	for (; now < end && probing.n < PROBES_MAX; now = clock_now()) {
		sent += send_flood(load, (now - start) * pps / NSEC - sent);
		if (now - start > probing.n * PROBE_NS)
			send_probe(&probing);
		echo(load);
		take_times(&probing);
	}
	await_rest(&probing);
	back = times_sort(probing.took, probing.n);
	printf("{\"sent\": %" PRIu64 ", \"ns\": %" PRIu64 ", \"probes\": %" PRIu64
	       ", \"back\": %zu",
	       sent, now - start, probing.n, back);
	times_print(probing.took, back);
	printf("}\n");
	free(probing.took);
}
