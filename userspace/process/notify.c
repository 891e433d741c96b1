/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "process/notify.h"

/* A name that begins with @ is abstract, unix(7). Returns the length of @addr, or 0 if it is unset.
 */
static socklen_t find_manager(struct sockaddr_un *addr)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t len = path ? strlen(path) : 0;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < 2 || len >= sizeof(addr->sun_path))
		return 0;
	memcpy(addr->sun_path, path, len);
	if (*path == '@')
		addr->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool notify_has_manager(void)
{
	struct sockaddr_un addr;

	return find_manager(&addr) > 0;
}

/* 0: unset, or not a number. */
static uint64_t number_in(const char *variable)
{
	const char *text = getenv(variable);

	return text && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

uint64_t notify_watchdog_us(void)
{
	const uint64_t pid = number_in("WATCHDOG_PID");

	/* The variables may be meant for a parent. */
	return pid && pid != (uint64_t)getpid() ? 0 : number_in("WATCHDOG_USEC");
}

void notify_manager(const char *format, ...)
{
	struct sockaddr_un addr;
	const socklen_t len = find_manager(&addr);
	char text[1024];
	va_list args;
	int fd;

	if (!len)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Errors are ignored: the service manager has timeouts of its own. */
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&addr, len);
	close(fd);
}
