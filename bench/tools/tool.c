// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define _GNU_SOURCE
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/libbpf.h>

#define HIGHEST_PRIORITY (-20)

static volatile sig_atomic_t ended;

_Noreturn void die(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (err)
		fprintf(stderr, ": %s", strerror(-err));
	fputs("\n", stderr);
	exit(1);
}

__u64 number(const char *name, const char *text, __u64 min, __u64 max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		die(0, "%s must be a number from %llu to %llu, not '%s'", name,
		    (unsigned long long)min, (unsigned long long)max, text);
	return value;
}

struct sockaddr_in ipv4_address(const char *name, const char *text)
{
	struct sockaddr_in result = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN] = "";
	uint16_t port = 0;

	if (sscanf(text, "%15[0-9.]:%" SCNu16, host, &port) < 1 ||
	    inet_pton(AF_INET, host, &result.sin_addr) != 1)
		die(0, "%s must be an IPv4 address, not '%s'", name, text);
	result.sin_port = htons(port);
	return result;
}

__u32 device(const char *name)
{
	const __u32 ifindex = if_nametoindex(name);

	if (!ifindex)
		die(-errno, "device %s", name);
	return ifindex;
}

void take_precedence(void)
{
	FILE *group;

	if (setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY))
		die(-errno, "setting the highest priority");
	/* sched(7): with autogroups, niceness counts within the session only. */
	group = fopen("/proc/self/autogroup", "w");
	if (!group)
		return;
	fprintf(group, "%d", HIGHEST_PRIORITY);
	fclose(group);
}

void pin(int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die(-errno, "pinning to CPU %d", cpu);
	take_precedence();
}

__u64 clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

__attribute__((format(printf, 2, 0))) static int print(enum libbpf_print_level level,
						       const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

void quiet(void)
{
	libbpf_set_print(print);
}

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

void end_on_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal }; /* without SA_RESTART */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

int ending(void)
{
	return ended;
}

char *next_order(void)
{
	static char *line;
	static size_t size;
	ssize_t len;

	fflush(stdout);
	len = ended ? -1 : getline(&line, &size, stdin);
	if (len < 0)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}
