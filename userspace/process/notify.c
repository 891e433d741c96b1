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

void notify_manager(const char *format, ...)
{
	struct sockaddr_un addr;
	const socklen_t len = find_manager(&addr);
	char text[256];
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
