// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures round trips: sends datagrams to a reflector at a steady rate, as ChannelData or plain
 * UDP, and busy-polls for them.
 *
 * A datagram carries the time when it was sent, not when it was due, so delays of this process are
 * not measured. It does not catch up after a delay either.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "times.h"
#include "tool.h"

#define NSEC           1000000000ULL
#define CHANNEL_HEADER 4
#define DATAGRAM_MAX   1472
#define PATIENCE_NS    (NSEC / 10) /* for the last datagrams */

/** struct stamp - beginning of the application data */
struct stamp {
	__u64 sent; /* CLOCK_MONOTONIC, ns */
	__u64 number;
};

struct options {
	struct turnpike_addr from, to;
	__u16 channel;
	__u16 size;
	__u64 rate;
	__u64 packets;
	__u64 warm_up;
	int cpu;
};

/** struct run - state of a run; @took has the round-trip time by datagram, 0: not yet back */
struct run {
	int fd;
	size_t header;
	__u8 datagram[DATAGRAM_MAX];
	size_t len;
	__u64 sent, received, packets;
	__u64 *took;
};

static const struct argp_option argp_options[] = {
	{ "from", 'f', "ADDR:PORT", 0, "local address", 0 },
	{ "to", 't', "ADDR:PORT", 0, "destination", 0 },
	{ "channel", 'c', "NUMBER", 0, "channel number for ChannelData (default: plain UDP)", 0 },
	{ "size", 's', "BYTES", 0, "size of the application data", 0 },
	{ "rate", 'r', "PPS", 0, "packets per second", 0 },
	{ "packets", 'n', "N", 0, "number of packets", 0 },
	{ "warm-up", 'w', "N", 0, "number of packets before these, which are not measured", 0 },
	{ "cpu", 'C', "CPU", 0, "run on this CPU", 0 },
	{ 0 },
};

static struct turnpike_addr address(const char *name, const char *text)
{
	struct turnpike_addr result;

	if (addr_parse(text, &result) || !result.port)
		die(0, "%s must be an address with a port, not '%s'", name, text);
	return result;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'f':
		options->from = address("--from", arg);
		return 0;
	case 't':
		options->to = address("--to", arg);
		return 0;
	case 'c':
		options->channel = (__u16)number("--channel", arg, 0x4000, 0x4fff);
		return 0;
	case 's':
		options->size = (__u16)number("--size", arg, sizeof(struct stamp),
					      DATAGRAM_MAX - CHANNEL_HEADER);
		return 0;
	case 'r':
		options->rate = number("--rate", arg, 1, NSEC);
		return 0;
	case 'n':
		options->packets = number("--packets", arg, 1, 1ULL << 30);
		return 0;
	case 'w':
		options->warm_up = number("--warm-up", arg, 0, 1ULL << 30);
		return 0;
	case 'C':
		options->cpu = (int)number("--cpu", arg, 0, CPU_SETSIZE - 1);
		return 0;
	case ARGP_KEY_END:
		if (!options->from.port || !options->to.port || !options->size || !options->rate ||
		    !options->packets)
			argp_error(state,
				   "--from, --to, --size, --rate and --packets are required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "Measures round trips.",
				  NULL,         NULL,  NULL };

static int open_socket(const struct options *options)
{
	struct sockaddr_storage from, to;
	const socklen_t from_len = addr_to_sockaddr(&options->from, &from);
	const socklen_t to_len = addr_to_sockaddr(&options->to, &to);
	const int fd = socket(from.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int bytes = 8 << 20;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&from, from_len) ||
	    connect(fd, (const struct sockaddr *)&to, to_len) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		die(-errno, "opening the socket");
	return fd;
}

static void set_up(struct run *run, const struct options *options)
{
	const __be16 header[] = { htons(options->channel), htons(options->size) };

	*run = (struct run){
		.fd = open_socket(options),
		.header = options->channel ? CHANNEL_HEADER : 0,
		.packets = options->packets + options->warm_up,
	};
	memcpy(run->datagram, header, run->header);
	run->len = run->header + options->size;
	run->took = calloc(run->packets, sizeof(*run->took));
	if (!run->took)
		die(-ENOMEM, "allocating %" PRIu64 " times", (uint64_t)run->packets);
}

static void send_next(struct run *run)
{
	const struct stamp stamp = { .sent = clock_now(), .number = run->sent++ };

	memcpy(run->datagram + run->header, &stamp, sizeof(stamp));
	/* A datagram that cannot be sent counts as lost. */
	if (send(run->fd, run->datagram, run->len, MSG_DONTWAIT) < 0)
		return;
}

static void receive(struct run *run)
{
	__u8 datagram[DATAGRAM_MAX];
	const ssize_t len = recv(run->fd, datagram, sizeof(datagram), MSG_DONTWAIT);
	struct stamp stamp;

	if (len != (ssize_t)run->len || memcmp(datagram, run->datagram, run->header) != 0)
		return;
	memcpy(&stamp, datagram + run->header, sizeof(stamp));
	if (stamp.number >= run->sent || run->took[stamp.number])
		return;
	run->took[stamp.number] = clock_now() - stamp.sent;
	run->received++;
}

static __u64 send_all(struct run *run, __u64 interval)
{
	const __u64 start = clock_now();
	__u64 now = start, due = start;

	while (run->sent < run->packets) {
		if (now >= due) {
			send_next(run);
			due = due + interval > now ? due + interval : now;
		}
		receive(run);
		now = clock_now();
	}
	return now - start;
}

static void await_rest(struct run *run)
{
	const __u64 end = clock_now() + PATIENCE_NS;

	while (run->received < run->sent && clock_now() < end)
		receive(run);
}

static void print(struct run *run, __u64 warm_up, __u64 ns)
{
	const size_t n = times_sort(run->took + warm_up, run->packets - warm_up);

	printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"timed\": %" PRIu64
	       ", \"returned\": %zu, \"ns\": %" PRIu64,
	       (uint64_t)run->sent, (uint64_t)run->received, (uint64_t)(run->packets - warm_up), n,
	       (uint64_t)ns);
	times_print(run->took + warm_up, n);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct options options = { .cpu = -1 };
	struct run run;
	__u64 ns;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	pin(options.cpu);
	take_precedence();
	set_up(&run, &options);
	ns = send_all(&run, NSEC / options.rate);
	await_rest(&run);
	print(&run, options.warm_up, ns);
	free(run.took);
	return 0;
}
