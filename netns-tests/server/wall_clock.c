/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shifts the wall clock of a program that preloads it (LD_PRELOAD) by the seconds in the file that
 * REALTIME_OFFSET names, which may change at any time. Other clocks are not affected.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int clock_gettime_fn(clockid_t id, struct timespec *ret);

static time_t offset(void)
{
	const char *path = getenv("REALTIME_OFFSET");
	FILE *file = path ? fopen(path, "r") : NULL;
	long seconds = 0;

	if (!file || fscanf(file, "%ld", &seconds) != 1)
		abort();
	fclose(file);
	return seconds;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_gettime_fn *real = (clock_gettime_fn *)dlsym(RTLD_NEXT, "clock_gettime");
	const int err = real(id, ret);

	if (!err && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ret->tv_sec += offset();
	return err;
}

int gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
