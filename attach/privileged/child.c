/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "privileged/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "private/array_len.h"

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_between(int above, int below)
{
	if (below - above > 1)
		close_range((unsigned int)above + 1, (unsigned int)below - 1, 0);
}

void child_close_others(int *keep, size_t n)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int last = STDERR_FILENO;
	size_t i;

	for (i = 0; i < STDERR_FILENO && null >= 0; i++)
		dup2(null, (int)i);
	qsort(keep, n, sizeof(keep[0]), compare_fds);
	for (i = 0; i < n; i++) {
		close_between(last, keep[i]);
		last = keep[i];
	}
	close_range((unsigned int)last + 1, ~0u, 0);
}

void child_leave(const char *name)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	size_t i;

	/* Ctrl-C, or a signal to the process group, is for the parent; its end reaches us. */
	setsid();
	for (i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, name);
}

/* Needs CAP_SETPCAP; without it the set matters only for execve(2), which is never called. */
static void bound(__u64 mask)
{
	unsigned long each;

	for (each = 0; prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; each++)
		if (!(mask >> each & 1))
			prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
}

__u64 child_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	syscall(SYS_capget, &header, data);
	return data[0].effective | (__u64)data[1].effective << 32;
}

__u64 child_set_effective(__u64 mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	__u64 before;

	syscall(SYS_capget, &header, data);
	before = data[0].effective | (__u64)data[1].effective << 32;
	data[0].effective = (__u32)mask;
	data[1].effective = (__u32)(mask >> 32);
	syscall(SYS_capset, &header, data);
	return before;
}

__u64 child_keep_capabilities(__u64 mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	__u64 left = 0;
	size_t i;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	bound(mask);
	syscall(SYS_capget, &header, data);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (__u32)(mask >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
		left |= (__u64)data[i].permitted << 32 * i;
	}
	syscall(SYS_capset, &header, data);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return left;
}
