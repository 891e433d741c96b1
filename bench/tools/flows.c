// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A relay without TURN: attaches libturnpike to devices and adds bindings on request.
 *
 * Orders, each answered with a line of JSON:
 * - bind COUNT CHANNEL LIFETIME POLICER CLIENT SERVER RELAY PEER: add bindings for LIFETIME
 * seconds. With CHANNEL 0 they exchange indications. POLICER limits both directions; 0: no limit.
 * With an address ADDR:PORT/BITS, binding N has ADDR + N / 2^BITS and PORT + N % 2^BITS
 * - policer RATE PARENT: create a policer of RATE bytes a second; PARENT 0: it has none
 * - full POLICER: print when it will be full, which each packet that is charged to it delays
 * - mode MODE MOVES HOOK DEV: change the mode of a device, or of "all"; flows are kept
 * - status, counts, hits: print the devices, the counters, and the flows with packets by direction
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <turnpike/turnpike.h>

#include "base/addr.h"
#include "tool.h"

#define DEVICES_MAX  2
#define NSEC         1000000000ULL
#define TICK_NS      NSEC
#define NEXTHOPS_MAX 65536
#define NO_PORTS     31 /* bits of a binding's number that are all 0 */

struct relay {
	struct turnpike *tp;
	const char *devs[DEVICES_MAX];
	int n;
	__u32 max_flows;
	__u64 polled;
};

/* Addresses computed from the number of a binding. */
struct range {
	struct turnpike_addr first;
	unsigned int bits;
};

static const struct argp_option argp_options[] = {
	{ "dev", 'd', "IF", 0, "relay packets that arrive on this device (repeatable)", 0 },
	{ "max-flows", 'n', "N", 0, "maximum flows of each family; a binding has two", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct relay *relay = state->input;

	switch (key) {
	case 'd':
		if (relay->n == DEVICES_MAX)
			argp_error(state, "at most %d devices are supported", DEVICES_MAX);
		relay->devs[relay->n++] = arg;
		return 0;
	case 'n':
		relay->max_flows = (__u32)number("--max-flows", arg, 1, 1U << 28);
		return 0;
	case ARGP_KEY_END:
		if (!relay->n)
			argp_error(state, "--dev is required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "A relay without TURN.",
				  NULL,         NULL,  NULL };

static _Noreturn void fail(const struct relay *relay)
{
	die(0, "%s", turnpike_error(relay->tp));
}

static char *next_word(char **order)
{
	char *next = strtok_r(NULL, " ", order);

	if (!next)
		die(0, "incomplete order");
	return next;
}

static struct range range_of(char *text)
{
	char *slash = strchr(text, '/');
	struct range range = { .bits = NO_PORTS };

	if (slash) {
		*slash = '\0';
		range.bits = (unsigned int)number("BITS", slash + 1, 0, 16);
	}
	if (addr_parse(text, &range.first))
		die(0, "'%s' is not an address", text);
	return range;
}

static struct turnpike_addr nth(const struct range *range, __u32 n)
{
	struct turnpike_addr addr = range->first;
	__u8 *last = addr.ip + (addr.family == TURNPIKE_IPV6 ? 12 : 0);
	__be32 word;

	if (range->bits == NO_PORTS)
		return addr;
	memcpy(&word, last, sizeof(word));
	word = htonl(ntohl(word) + (n >> range->bits));
	memcpy(last, &word, sizeof(word));
	addr.port = htons((__u16)(ntohs(addr.port) + (n & ((1U << range->bits) - 1))));
	return addr;
}

static void bind_all(struct relay *relay, char **order)
{
	const __u32 count = (__u32)number("COUNT", next_word(order), 1, 1U << 28);
	const __u16 channel = (__u16)number("CHANNEL", next_word(order), 0, TURNPIKE_CHANNEL_MAX);
	const __u64 began = clock_now();
	const __u64 expires = began + NSEC * number("LIFETIME", next_word(order), 0, 1U << 30);
	const __u32 policer = (__u32)number("POLICER", next_word(order), 0, UINT32_MAX);
	const struct range client = range_of(next_word(order)), server = range_of(next_word(order));
	const struct range relayed = range_of(next_word(order)), peer = range_of(next_word(order));
	TURNPIKE_OPTS(turnpike_binding, binding, .channel = channel, .channel_expires = expires,
		      .permission_expires = expires, .to_peer_policer = policer,
		      .to_client_policer = policer);
	__u32 i;

	for (i = 0; i < count; i++) {
		binding.client = nth(&client, i);
		binding.server = nth(&server, i);
		binding.relay = nth(&relayed, i);
		binding.peer = nth(&peer, i);
		if (!channel)
			binding.xor_peer = binding.peer;
		if (turnpike_bind(relay->tp, &binding))
			fail(relay);
	}
	printf("{\"flows\": %u, \"ns\": %llu}\n", turnpike_flows(relay->tp),
	       (unsigned long long)(clock_now() - began));
}

static void new_policer(struct relay *relay, char **order)
{
	TURNPIKE_OPTS(turnpike_policer_opts, opts, .unit = TURNPIKE_POLICER_BYTES);
	__u32 policer;

	opts.rate = number("RATE", next_word(order), 1, TURNPIKE_POLICER_RATE);
	opts.parent = (__u32)number("PARENT", next_word(order), 0, UINT32_MAX);
	if (turnpike_policer_new(relay->tp, &opts, &policer))
		fail(relay);
	printf("{\"policer\": %u}\n", policer);
}

static void print_full(const struct relay *relay, char **order)
{
	const __u32 policer = (__u32)number("POLICER", next_word(order), 1, UINT32_MAX);

	printf("{\"full\": %llu}\n", (unsigned long long)turnpike_policer_full(relay->tp, policer));
}

static void change_mode(struct relay *relay, char **order)
{
	TURNPIKE_OPTS(turnpike_attach_opts, opts);
	const char *dev;
	int i;

	if (turnpike_mode_parse(next_word(order), &opts.mode) ||
	    turnpike_moves_parse(next_word(order), &opts.moves) ||
	    turnpike_hook_parse(next_word(order), &opts.hook))
		die(0, "unknown mode, moves or hook");
	dev = next_word(order);
	for (i = 0; i < relay->n; i++) {
		if (strcmp(dev, "all") != 0 && strcmp(dev, relay->devs[i]) != 0)
			continue;
		if (turnpike_switch(relay->tp, relay->devs[i], &opts))
			fail(relay);
	}
	printf("{\"ok\": true}\n");
}

static int print_device(const struct turnpike_status *status, void *arg)
{
	const char **comma = arg;

	printf("%s{\"dev\": \"%s\", \"mode\": \"%s\", \"moves\": \"%s\", \"hook\": \"%s\", \"prog_id\": %u}",
	       *comma, status->dev, turnpike_mode_name(status->mode),
	       turnpike_moves_name(status->moves), turnpike_hook_name(status->hook),
	       status->prog_id);
	*comma = ", ";
	return 0;
}

static int print_count(const struct turnpike_count *count, void *arg)
{
	const char **comma = arg;

	printf("%s{\"dev\": \"%s\", \"mode\": \"%s\", \"direction\": \"%s\", \"verdict\": \"%s\", "
	       "\"packets\": %llu, \"bytes\": %llu}",
	       *comma, count->dev, turnpike_mode_name(count->mode),
	       turnpike_direction_name(count->direction), turnpike_verdict_name(count->verdict),
	       (unsigned long long)count->packets, (unsigned long long)count->bytes);
	*comma = ", ";
	return 0;
}

static int count_hit(const struct turnpike_flow_info *flow, void *arg)
{
	__u64 *hits = arg;

	hits[flow->direction] += flow->packets > 0;
	return 0;
}

static void print_status(struct relay *relay)
{
	const char *comma = "";

	printf("[");
	turnpike_for_each_device(relay->tp, print_device, &comma);
	printf("]\n");
}

static void print_counts(struct relay *relay)
{
	const char *comma = "";

	printf("[");
	turnpike_for_each_count(relay->tp, print_count, &comma);
	printf("]\n");
}

static void print_hits(struct relay *relay)
{
	__u64 hits[TURNPIKE_DIR_MAX] = { 0 };
	int i;

	turnpike_for_each_flow(relay->tp, count_hit, hits);
	printf("{");
	for (i = 0; i < TURNPIKE_DIR_MAX; i++)
		printf("%s\"%s\": %llu", i ? ", " : "",
		       turnpike_direction_name((enum turnpike_direction)i),
		       (unsigned long long)hits[i]);
	printf("}\n");
}

static void carry_out(struct relay *relay, char *text)
{
	char *order;
	const char *name = strtok_r(text, " ", &order);

	if (!name)
		return;
	if (strcmp(name, "bind") == 0)
		bind_all(relay, &order);
	else if (strcmp(name, "policer") == 0)
		new_policer(relay, &order);
	else if (strcmp(name, "full") == 0)
		print_full(relay, &order);
	else if (strcmp(name, "mode") == 0)
		change_mode(relay, &order);
	else if (strcmp(name, "status") == 0)
		print_status(relay);
	else if (strcmp(name, "counts") == 0)
		print_counts(relay);
	else if (strcmp(name, "hits") == 0)
		print_hits(relay);
	else
		die(0, "unknown order '%s'", name);
}

/* turnpike_poll() must be called when its descriptor is readable, and once a second. */
static void poll_library(struct relay *relay, short readable)
{
	if (!readable && clock_now() - relay->polled < TICK_NS)
		return;
	relay->polled = clock_now();
	turnpike_poll(relay->tp);
}

static void serve(struct relay *relay)
{
	struct pollfd fds[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = turnpike_fd(relay->tp), .events = POLLIN },
	};
	char *order;

	while (!ending()) {
		fflush(stdout);
		if (poll(fds, 2, (int)(TICK_NS / 1000000)) < 0)
			continue;
		poll_library(relay, fds[1].revents);
		if (!fds[0].revents)
			continue;
		order = next_order();
		if (!order)
			return;
		carry_out(relay, order);
	}
}

static void open_relay(struct relay *relay)
{
	/* No server relays first packets, so nothing could be confirmed. */
	TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = relay->max_flows,
		      .max_nexthops = NEXTHOPS_MAX, .confirm_ms = TURNPIKE_CONFIRM_OFF);
	TURNPIKE_OPTS(turnpike_attach_opts, detached, .mode = TURNPIKE_MODE_USERSPACE);
	int i;

	if (turnpike_open(&opts, &relay->tp))
		fail(relay);
	for (i = 0; i < relay->n; i++) {
		if (turnpike_attach(relay->tp, relay->devs[i], &detached))
			fail(relay);
	}
}

int main(int argc, char **argv)
{
	struct relay relay = { 0 };
	int i;

	quiet();
	/* poll() does not see orders in a buffer. */
	setvbuf(stdin, NULL, _IONBF, 0);
	argp_parse(&argp, argc, argv, 0, NULL, &relay);
	open_relay(&relay);
	end_on_signals();
	printf("{\"ready\": true}\n");
	serve(&relay);
	/* Skip turnpike_close(): it removes flows one by one, and there may be a million. */
	for (i = 0; i < relay.n; i++)
		turnpike_detach(relay.tp, relay.devs[i]);
	return 0;
}
