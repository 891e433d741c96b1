// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits until a CPU has full speed. A virtual CPU may be a hyperthread whose sibling is busy with
 * another guest at times. That costs a third of the speed for milliseconds or seconds, and no
 * counter of the guest shows it.
 *
 * The order "wait MS" is answered once the CPU has full speed, or after this time.
 */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

#define CHUNK_NS    2000000ULL
#define TURNS       1000
#define FULL_SPEED  0.93         /* share of the highest speed seen */
#define MEASURED_NS 300000000ULL /* initial measurement of the highest speed */

static const struct argp_option argp_options[] = {
	{ "cpu", 'c', "CPU", 0, "CPU to measure", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key != 'c')
		return ARGP_ERR_UNKNOWN;
	pin((int)number("--cpu", arg, 0, 65535));
	return 0;
}

static const struct argp argp = { argp_options, parse, NULL, "Waits until a CPU has full speed.",
				  NULL,         NULL,  NULL };

/* Loop iterations per nanosecond. Many independent instructions without memory access, because
 * these suffer most from a busy sibling. */
static double speed(void)
{
	unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
	const __u64 began = clock_now();
	__u64 turns = 0, now;
	int i;

	do {
		for (i = 0; i < TURNS; i++) {
			a += a << 3;
			b ^= b >> 5;
			c += c << 7;
			d ^= d << 9;
			e += e >> 3;
			f ^= f << 2;
			g += g >> 1;
			h ^= h << 4;
			__asm__ volatile(""
					 :
					 : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f), "r"(g),
					   "r"(h));
		}
		turns += TURNS;
		now = clock_now();
	} while (now - began < CHUNK_NS);
	return (double)turns / (double)(now - began);
}

/* Wait for full speed, for @longest ns at most. Returns the last speed relative to the highest. */
static double wait_for_speed(double *fastest, __u64 longest)
{
	const __u64 began = clock_now();
	double now;

	do {
		now = speed();
		if (now > *fastest)
			*fastest = now;
	} while (now < FULL_SPEED * *fastest && clock_now() - began < longest);
	return now / *fastest;
}

int main(int argc, char **argv)
{
	const __u64 began = clock_now();
	double fastest = 0;
	char *order;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	end_on_signals();
	while (clock_now() - began < MEASURED_NS)
		wait_for_speed(&fastest, 0);
	printf("{\"ready\": true}\n");
	while ((order = next_order())) {
		if (strncmp(order, "wait ", 5) != 0)
			die(0, "unknown order '%s'", order);
		printf("{\"speed\": %.2f}\n",
		       wait_for_speed(&fastest, 1000000 * number("MS", order + 5, 0, 60000)));
	}
	return 0;
}
