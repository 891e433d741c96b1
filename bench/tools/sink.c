// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts and drops the frames that a measurement expects at a device.
 *
 * Orders: "count" prints the frames so far; "rates N MS" prints the packets per second in each of
 * the next N intervals of MS milliseconds, and their total; "frame" prints the next expected frame.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach.h"
#include "sink.h"
#include "sink.skel.h"
#include "tool.h"

#define FRAME_WAIT_MS 1000

struct options {
	struct target target;
	struct sink_config expected;
};

static const struct argp_option argp_options[] = {
	{ "len", 'l', "BYTES", 0, "length of the frames", 0 },
	{ "tagged", 'g', NULL, 0, "the frames have a VLAN tag, besides this length", 0 },
	{ "to", 't', "ADDR", 0, "lowest destination address, IPv4 or IPv6", 0 },
	{ "addresses", 'a', "N", 0, "number of consecutive addresses (default: 1)", 0 },
	{ "port", 'p', "PORT", 0, "lowest destination port", 0 },
	{ "ports", 'n', "N", 0, "number of consecutive ports (default: 1)", 0 },
	{ 0 },
};

static void expect_address(struct sink_config *expected, const char *text)
{
	__be32 words[4] = { 0 };

	expected->proto = htons(strchr(text, ':') ? ETH_P_IPV6 : ETH_P_IP);
	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, words) != 1)
		die(0, "--to: '%s' is not an address", text);
	expected->ip = ntohl(words[strchr(text, ':') ? 3 : 0]);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct sink_config *expected = &options->expected;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		return 0;
	case 'l':
		expected->len = (__u32)number("--len", arg, 1, 65535);
		return 0;
	case 't':
		expect_address(expected, arg);
		return 0;
	case 'g':
		expected->tagged = 1;
		return 0;
	case 'a':
		expected->ips = (__u32)number("--addresses", arg, 1, 1U << 30) - 1;
		return 0;
	case 'p':
		expected->port = (__u32)number("--port", arg, 0, 65535);
		return 0;
	case 'n':
		expected->ports = (__u32)number("--ports", arg, 1, 65536) - 1;
		return 0;
	case ARGP_KEY_END:
		if (!expected->len || !expected->proto)
			argp_error(state, "--len, --to and --port are required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &target_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { argp_options, parse,
				  NULL,         "Counts and drops the expected frames at a device.",
				  children,     NULL,
				  NULL };

static struct sink_counts count(const struct sink_bpf *skeleton)
{
	const int cpus = libbpf_num_possible_cpus();
	struct sink_counts *each = calloc((size_t)(cpus > 0 ? cpus : 1), sizeof(*each)),
			   all = { 0 };
	const __u32 key = 0;
	int i;

	if (!each || bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.counts), &key, each))
		die(-errno, "reading the counters");
	for (i = 0; i < cpus; i++) {
		all.packets += each[i].packets;
		all.bytes += each[i].bytes;
		all.others += each[i].others;
	}
	free(each);
	return all;
}

static void print_counts(const struct sink_bpf *skeleton)
{
	const struct sink_counts counts = count(skeleton);

	printf("{\"packets\": %llu, \"bytes\": %llu, \"others\": %llu}\n",
	       (unsigned long long)counts.packets, (unsigned long long)counts.bytes,
	       (unsigned long long)counts.others);
}

static void print_rates(const struct sink_bpf *skeleton, const char *arguments)
{
	unsigned int slices, ms, i;
	const __u64 began = clock_now(), before = count(skeleton).packets;
	__u64 then = began, packets = before, packets_then;
	__u64 now;

	if (sscanf(arguments, "%u %u", &slices, &ms) != 2)
		die(0, "rates takes two numbers");
	printf("{\"rates\": [");
	for (i = 0; i < slices; i++) {
		const struct timespec pause = { .tv_sec = ms / 1000,
						.tv_nsec = 1000000L * (ms % 1000) };

		nanosleep(&pause, NULL);
		packets_then = packets;
		packets = count(skeleton).packets;
		now = clock_now();
		printf("%s%.0f", i ? ", " : "",
		       (double)(packets - packets_then) * 1e9 / (double)(now - then));
		then = now;
	}
	printf("], \"packets\": %llu, \"ns\": %llu}\n", (unsigned long long)(packets - before),
	       (unsigned long long)(then - began));
}

/* The frame follows its description. Print it as on the wire. */
static void on_frame(void *arg, int cpu, void *data, __u32 size)
{
	const struct sink_frame *frame = data;
	const __u8 *byte = (const __u8 *)(frame + 1);
	int *printed = arg;
	__u32 i;

	(void)cpu;
	(void)size;
	if ((*printed)++)
		return;
	printf("{\"frame\": \"");
	for (i = 0; i < frame->len; i++) {
		if (i == 2 * ETH_ALEN && frame->tag)
			printf("%08x", frame->tag);
		printf("%02x", byte[i]);
	}
	printf("\"}\n");
}

static void print_frame(struct sink_bpf *skeleton)
{
	int printed = 0, err;
	struct perf_buffer *buffer = perf_buffer__new(bpf_map__fd(skeleton->maps.frames), 8,
						      on_frame, NULL, &printed, NULL);

	if (!buffer)
		die(-errno, "opening a perf buffer");
	skeleton->bss->take = 1;
	err = perf_buffer__poll(buffer, FRAME_WAIT_MS);
	if (err < 0 && err != -EINTR)
		die(err, "waiting for a frame");
	if (!printed)
		printf("{\"frame\": null}\n");
	perf_buffer__free(buffer);
}

static struct sink_bpf *load(const struct options *options)
{
	struct sink_bpf *skeleton = sink_bpf__open();

	if (!skeleton)
		die(-errno, "opening the sink");
	*(struct sink_config *)&skeleton->rodata->config = options->expected;
	if (sink_bpf__load(skeleton))
		die(-errno, "loading the sink");
	return skeleton;
}

static void carry_out(void *arg, char *order)
{
	struct sink_bpf *skeleton = arg;

	if (strcmp(order, "count") == 0)
		print_counts(skeleton);
	else if (strncmp(order, "rates ", 6) == 0)
		print_rates(skeleton, order + 6);
	else if (strcmp(order, "frame") == 0)
		print_frame(skeleton);
	else
		die(0, "unknown order '%s'", order);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct sink_bpf *skeleton;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	skeleton = load(&options);
	run_attached(&options.target,
		     target_is_xdp(&options.target) ? skeleton->progs.sink_xdp
						    : skeleton->progs.sink_tc,
		     carry_out, skeleton);
	sink_bpf__destroy(skeleton);
	return 0;
}
