// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define _GNU_SOURCE
#include "tool.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#define COMPAT_BPF_TCX_INGRESS 46 /* enum bpf_attach_type, Linux 6.6 */
#define HIGHEST_PRIORITY       (-20)

/* A link lives a moment longer than its process while somebody lists descriptors, as bpftool does.
 */
#define BUSY_TRIES    100
#define BUSY_PAUSE_NS (10 * 1000 * 1000)

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

__u32 device(const char *name)
{
	const __u32 ifindex = if_nametoindex(name);

	if (!ifindex)
		die(-errno, "device %s", name);
	return ifindex;
}

/* sched(7): niceness counts only within a session, and that of the session where there are others.
 */
static void take_precedence(void)
{
	FILE *session = fopen("/proc/self/autogroup", "w");

	setpriority(PRIO_PROCESS, 0, -20);
	if (!session)
		return; /* a kernel without */
	fputs("-20", session);
	fclose(session);
}

void pin(int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die(-errno, "CPU %d", cpu);
	take_precedence();
}

void before_all_else(void)
{
	FILE *group;

	if (setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY))
		die(-errno, "the highest priority");
	/* sched(7): where there are such groups, niceness counts within one only. */
	group = fopen("/proc/self/autogroup", "w");
	if (!group)
		return;
	fprintf(group, "%d", HIGHEST_PRIORITY);
	fclose(group);
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

static const char *const hook_names[] = {
	[HOOK_XDP_NATIVE] = "xdp-native",
	[HOOK_XDP_GENERIC] = "xdp-generic",
	[HOOK_TCX] = "tcx",
	[HOOK_CLSACT] = "clsact",
};

enum hook hook_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(hook_names) / sizeof(hook_names[0]); i++) {
		if (strcmp(hook_names[i], name) == 0)
			return (enum hook)i;
	}
	die(0, "there is no hook '%s'", name);
}

int hook_is_xdp(enum hook hook)
{
	return hook == HOOK_XDP_NATIVE || hook == HOOK_XDP_GENERIC;
}

static int attach_clsact(__u32 ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 1, .prog_fd = prog_fd);
	const int err = bpf_tc_hook_create(&hook);

	return err ? err : bpf_tc_attach(&hook, &filter);
}

static int attach(enum hook hook, __u32 ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, xdp,
		    .flags = hook == HOOK_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);

	if (hook_is_xdp(hook))
		return bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &xdp);
	if (hook == HOOK_TCX)
		return bpf_link_create(prog_fd, (int)ifindex, COMPAT_BPF_TCX_INGRESS, NULL);
	return attach_clsact(ifindex, prog_fd);
}

void hook_attach(enum hook hook, __u32 ifindex, int prog_fd)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	int tries, err = -EBUSY; /* or the descriptor of a link, which stays open until the end */

	for (tries = 0; tries < BUSY_TRIES && err == -EBUSY; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		err = attach(hook, ifindex, prog_fd);
	}
	if (err < 0)
		die(err, "attaching by %s", hook_names[hook]);
}

void hook_detach(enum hook hook, __u32 ifindex)
{
	/* Only both points together take away the qdisc itself. */
	LIBBPF_OPTS(bpf_tc_hook, qdisc, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (hook == HOOK_CLSACT)
		bpf_tc_hook_destroy(&qdisc);
}

__u32 prog_id(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		die(err, "asking for a program's id");
	return info.id;
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
