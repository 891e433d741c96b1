/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/unix_socket.h"

#define TIMEOUT_S 10

static int make_address(const char *path, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return 0;
}

static int open_socket(int type, int *fd)
{
	*fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	return *fd < 0 ? -errno : 0;
}

void unix_set_timeout(int fd, time_t seconds)
{
	const struct timeval timeout = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

int unix_connect(const char *path, int type, int *ret)
{
	struct sockaddr_un addr;
	int fd, err = make_address(path, &addr);

	if (!err)
		err = open_socket(type, &fd);
	if (err)
		return err;
	unix_set_timeout(fd, TIMEOUT_S);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret = fd;
	return 0;
}

/* An existing directory keeps its owner. */
static int make_directory(const char *path, uid_t uid, gid_t gid)
{
	char *copy = strdup(path), *name;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	name = dirname(copy);
	if (mkdir(name, 0755))
		err = errno == EEXIST ? 0 : -errno;
	else if (chown(name, uid, gid))
		err = -errno;
	free(copy);
	return err;
}

static int remove_stale(const char *path)
{
	struct stat status;
	int fd, err;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	err = unix_connect(path, SOCK_STREAM, &fd);
	if (!err)
		close(fd);
	/* A server that is too busy to accept is still running. */
	if (!err || err == -EAGAIN)
		return -EADDRINUSE;
	if (err != -ECONNREFUSED)
		return err;
	return unlink(path) ? -errno : 0;
}

/* A system call filter may refuse lchown(2), also without a change. */
static int give(const char *path, uid_t uid, gid_t gid)
{
	return uid == (uid_t)-1 && gid == (gid_t)-1 ? 0 : lchown(path, uid, gid);
}

static int bind_and_listen(int fd, const struct sockaddr_un *addr, uid_t uid, gid_t gid)
{
	/* umask(2) and not chmod(2), so that others can never connect. */
	mode_t mask = umask(0117);
	int err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;

	umask(mask);
	if (!err && (give(addr->sun_path, uid, gid) || listen(fd, SOMAXCONN))) {
		err = -errno;
		unlink(addr->sun_path);
	}
	return err;
}

int unix_listen(const char *path, uid_t uid, gid_t gid, int *ret)
{
	struct sockaddr_un addr;
	int fd, err = make_address(path, &addr);

	if (!err)
		err = make_directory(path, uid, gid);
	if (!err)
		err = remove_stale(path);
	if (!err)
		err = open_socket(SOCK_STREAM | SOCK_NONBLOCK, &fd);
	if (err)
		return err;
	err = bind_and_listen(fd, &addr, uid, gid);
	if (err) {
		close(fd);
		return err;
	}
	*ret = fd;
	return 0;
}
