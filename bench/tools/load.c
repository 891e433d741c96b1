// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Generates load in the kernel: sends copies of a frame out of a device, as any number of flows.
 * Frames reach the other end of a veth only if that has an XDP program or GRO.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/time.h>

#include <bpf/bpf.h>

#include "load.h"
#include "load.skel.h"
#include "tool.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

#define FRAME_MAX 1514
#define TAG_LEN   4
#define NSEC      1000000000ULL
#define NO_PORTS  31 /* bits of a flow's number that are all 0 */
#define GOLDEN    0.618034

/* Offsets, in the IP packet, of the fields that differ between flows. */
struct layout {
	size_t src_ip, dst_ip, ip_check, src_port, dst_port, check;
};

static const struct layout ipv4 = { 12, 16, 10, 20, 22, 26 };
static const struct layout ipv6 = { 20, 36, 0, 40, 42, 46 }; /* the last words of the addresses */

struct options {
	const char *dev;
	__u8 frame[FRAME_MAX + LOAD_SPARE];
	size_t frame_len;
	size_t l2_len;
	__u32 flows;
	__u32 src_bits;
	__u32 dst_bits;
	__u64 pace;
	double seconds;
	__u32 packets;
	int cpu;
};

static const struct argp_option argp_options[] = {
	{ "dev", 'd', "IF", 0, "send out of this device", 0 },
	{ "frame", 'f', "HEX", 0,
	  "the frame of flow 0: Ethernet, perhaps a VLAN tag, IPv4 or IPv6, 96 bytes or more. If its UDP checksum is 0, so "
	  "are those of all",
	  0 },
	{ "flows", 'n', "N", 0, "number of flows (default: 1)", 0 },
	{ "src-bits", 's', "BITS", 0,
	  "flow N has source address + N / 2^BITS and port + N % 2^BITS (default: all the same)",
	  0 },
	{ "dst-bits", 't', "BITS", 0, "likewise for the destination", 0 },
	{ "pace", 'p', "PPS", 0, "packets per second (default: as many as possible)", 0 },
	{ "seconds", 'S', "S", 0, "duration", 0 },
	{ "packets", 'N', "N", 0, "number of packets, without a pace", 0 },
	{ "cpu", 'c', "CPU", 0, "run on this CPU", 0 },
	{ 0 },
};

/* @l2_len: where the type ends. */
static __u16 ether_type(const struct options *options, size_t l2_len)
{
	return (__u16)(options->frame[l2_len - 2] << 8 | options->frame[l2_len - 1]);
}

static bool is_ipv6(const struct options *options)
{
	return ether_type(options, options->l2_len) == ETH_P_IPV6;
}

static void parse_frame(struct options *options, const char *hex)
{
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2) {
		if (options->frame_len == FRAME_MAX)
			die(0, "--frame has more than %d bytes", FRAME_MAX);
		options->frame[options->frame_len++] = (__u8)byte;
	}
	if (*hex || options->frame_len < LOAD_HEAD)
		die(0, "--frame must have at least %d bytes, in hexadecimal digits", LOAD_HEAD);
	options->l2_len =
		ether_type(options, ETH_HLEN) == ETH_P_8021Q ? ETH_HLEN + TAG_LEN : ETH_HLEN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->dev = arg;
		return 0;
	case 'f':
		parse_frame(options, arg);
		return 0;
	case 'n':
		options->flows = (__u32)number("--flows", arg, 1, 1U << 30);
		return 0;
	case 's':
		options->src_bits = (__u32)number("--src-bits", arg, 0, 16);
		return 0;
	case 't':
		options->dst_bits = (__u32)number("--dst-bits", arg, 0, 16);
		return 0;
	case 'p':
		options->pace = number("--pace", arg, 1, 100 * 1000 * 1000);
		return 0;
	case 'S':
		options->seconds = atof(arg);
		return 0;
	case 'N':
		options->packets = (__u32)number("--packets", arg, 1, 1U << 31);
		return 0;
	case 'c':
		options->cpu = (int)number("--cpu", arg, 0, CPU_SETSIZE - 1);
		return 0;
	case ARGP_KEY_END:
		if (!options->dev || !options->frame_len)
			argp_error(state, "--dev and --frame are required");
		if ((options->seconds > 0) == (options->packets > 0))
			argp_error(state, "give either --seconds or --packets");
		if (options->packets && options->pace)
			argp_error(state, "--pace requires --seconds");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "Generates load in the kernel.",
				  NULL,         NULL,  NULL };

static __u16 word_at(const struct options *options, size_t at)
{
	__u16 word;

	memcpy(&word, options->frame + options->l2_len + at, sizeof(word));
	return word;
}

static __u32 address_at(const struct options *options, size_t at)
{
	__u32 address;

	memcpy(&address, options->frame + options->l2_len + at, sizeof(address));
	return address;
}

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* Subtract @word from @sum in ones' complement. */
static __u32 without(__u32 sum, __u32 word)
{
	return fold((__u32)fold(sum) + (__u16)~fold(word));
}

/* A checksum of the frame without the addresses, which the program adds for each flow. */
static __u32 sum_without_flow(const struct options *options, const struct layout *layout,
			      size_t check)
{
	__u32 sum = (__u16)~word_at(options, check);

	sum = without(sum, address_at(options, layout->src_ip));
	return without(sum, address_at(options, layout->dst_ip));
}

static struct load_side side(const struct options *options, size_t ip, size_t port, __u32 bits)
{
	return (struct load_side){
		.shift = bits,
		.mask = bits == NO_PORTS ? 0 : (1U << bits) - 1,
		.ip = ntohl(address_at(options, ip)),
		.port = ntohs(word_at(options, port)),
	};
}

static __u32 common_divisor(__u32 a, __u32 b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* A step that visits all flows, but no neighbours in a row, whose memory would be in the caches. */
static __u32 step_through(__u32 flows)
{
	__u32 step = (__u32)(flows * GOLDEN);

	while (step && common_divisor(flows, step) != 1)
		step--;
	return step;
}

static struct load_config config_of(const struct options *options)
{
	const struct layout *layout = is_ipv6(options) ? &ipv6 : &ipv4;
	struct load_config config = {
		.ifindex = device(options->dev),
		.l2_len = (__u32)options->l2_len,
		.flows = options->flows,
		.step = step_through(options->flows),
		.no_check = !word_at(options, layout->check),
		.interval = options->pace ? (NSEC << LOAD_TICK_SHIFT) / options->pace : 0,
		.src = side(options, layout->src_ip, layout->src_port, options->src_bits),
		.dst = side(options, layout->dst_ip, layout->dst_port, options->dst_bits),
	};

	config.ip_sum = sum_without_flow(options, layout, layout->ip_check);
	config.l4_sum = sum_without_flow(options, layout, layout->check);
	config.l4_sum = without(config.l4_sum, word_at(options, layout->src_port));
	config.l4_sum = without(config.l4_sum, word_at(options, layout->dst_port));
	return config;
}

/* A signal stops the generator. The timer repeats it, in case the first comes before the start. */
static void end_after(double seconds)
{
	struct itimerval timer = { .it_interval.tv_usec = 50 * 1000 };

	if (seconds <= 0)
		return;
	timer.it_value.tv_sec = (time_t)seconds;
	timer.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void generate(const struct options *options, int prog_fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = options->frame,
		    .data_size_in = (__u32)options->frame_len + LOAD_SPARE,
		    .repeat = options->packets ? (int)options->packets : -1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err;

	end_on_signals();
	end_after(options->seconds);
	err = bpf_prog_test_run_opts(prog_fd, &run);
	if (err && err != -EINTR)
		die(err, "generating load (requires Linux 5.18)");
}

int main(int argc, char **argv)
{
	struct options options = {
		.flows = 1, .src_bits = NO_PORTS, .dst_bits = NO_PORTS, .cpu = -1
	};
	struct load_bpf *skeleton;
	struct load_state *state;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	skeleton = load_bpf__open();
	if (!skeleton)
		die(-errno, "opening the generator");
	*(struct load_config *)&skeleton->rodata->config = config_of(&options);
	if (load_bpf__load(skeleton))
		die(-errno, "loading the generator");
	state = &skeleton->bss->state;
	memcpy(state->head, options.frame, LOAD_HEAD);

	pin(options.cpu);
	generate(&options, bpf_program__fd(is_ipv6(&options) ? skeleton->progs.load_ipv6
							     : skeleton->progs.load_ipv4));
	printf("{\"sent\": %llu, \"ns\": %llu}\n", (unsigned long long)state->sent,
	       (unsigned long long)(state->ended - state->began));
	load_bpf__destroy(skeleton);
	return 0;
}
