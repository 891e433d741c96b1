/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lets a program that preloads it (LD_PRELOAD) write nothing to BPF maps while the file that
 * FAILING_BPF names exists, which has the error: a number of errno(3).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS_MAX 6

typedef long syscall_fn(long number, ...);

static int is_write(long number, long command)
{
	return number == SYS_bpf &&
	       (command == BPF_MAP_UPDATE_ELEM || command == BPF_MAP_UPDATE_BATCH);
}

/* 0: none. */
static int failure(void)
{
	const char *path = getenv("FAILING_BPF");
	FILE *file = path ? fopen(path, "r") : NULL;
	int result = 0;

	if (file && fscanf(file, "%d", &result) != 1)
		result = 0;
	if (file)
		fclose(file);
	return result;
}

long syscall(long number, ...)
{
	syscall_fn *real = (syscall_fn *)dlsym(RTLD_NEXT, "syscall");
	long arguments[ARGUMENTS_MAX];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS_MAX; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (is_write(number, arguments[0]) && failure()) {
		errno = failure();
		return -1;
	}
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
