/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/conntrack.h"

#include <stddef.h>
#include <stdio.h>

#include "private/array_len.h"

/* Documentation/networking/nf_conntrack-sysctl.rst. */
#define SYSCTL(name) "/proc/sys/net/netfilter/nf_conntrack_" name

/* In seconds: without an answer, and with one. */
static const char *const timeouts[] = { SYSCTL("udp_timeout"), SYSCTL("udp_timeout_stream") };

/* A check comes up to a quarter later than the interval says, and waits for a packet. */
#define CHECKS_IN_TIMEOUT 2

/* As long as a check may take: CHECK_OVERDUE_NS of programs/steps/confirm.h. */
#define SHORTEST_NS 1000000000ull

/* Return: 0 if the file cannot be read, as without nf_conntrack. */
static __u64 read_sysctl(const char *path)
{
	unsigned int value = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

__u64 conntrack_interval(__u64 wanted)
{
	__u64 interval = wanted, limit;
	size_t i;

	/* Only a network namespace whose rules need it has entries. */
	if (!read_sysctl(SYSCTL("count")))
		return wanted;
	for (i = 0; i < ARRAY_LEN(timeouts); i++) {
		limit = read_sysctl(timeouts[i]) * 1000000000ull / CHECKS_IN_TIMEOUT;
		if (limit && limit < interval)
			interval = limit;
	}
	if (interval < SHORTEST_NS && wanted > SHORTEST_NS)
		interval = SHORTEST_NS;
	return interval;
}
