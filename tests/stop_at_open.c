/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Preloaded (LD_PRELOAD), stops a program before it opens the file that STOP_AT_OPEN names. */
#include <linux/fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not from <fcntl.h>, which may define it inline. */
int open(const char *path, int flags, ...);

int open(const char *path, int flags, ...)
{
	const char *stop = getenv("STOP_AT_OPEN");
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (stop && strcmp(path, stop) == 0)
		kill(getpid(), SIGSTOP);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
