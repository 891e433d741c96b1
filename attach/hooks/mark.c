/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "hooks/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/netns.h"

#define RUN_DIRECTORY "/run/turnpike"

/* Root makes the directory of the user that it will switch to. */
static uid_t user = (uid_t)-1;

void mark_set_user(uid_t uid)
{
	user = uid;
}

static uid_t owner(void)
{
	return user == (uid_t)-1 ? geteuid() : user;
}

int name_bind(const char *what, __u32 number)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "turnpike-%s-%u", what, number);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

bool name_is_bound(const char *what, __u32 number)
{
	const int fd = name_bind(what, number);

	if (fd >= 0)
		close(fd);
	return fd == -EADDRINUSE;
}

/* Only its owner can change what is in it. An existing directory may be anybody's. */
static int check_directory(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		err = -errno;
	else if (status.st_uid != owner() || status.st_mode & 077)
		err = -EACCES;
	close(fd);
	return err;
}

static void make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) || owner() == geteuid())
		return;
	if (chown(path, owner(), (gid_t)-1))
		rmdir(path);
}

static int make_path(const char *what, __u32 number, char path[static 128])
{
	__u64 cookie;
	int err = netns_here(&cookie);

	if (err)
		return err;
	make_directory(RUN_DIRECTORY, 0755);
	snprintf(path, 128, RUN_DIRECTORY "/locks.%u", owner());
	make_directory(path, 0700);
	err = check_directory(path);
	snprintf(path, 128, RUN_DIRECTORY "/locks.%u/%ju-%s-%u", owner(), (uintmax_t)cookie, what,
		 number);
	return err;
}

void mark_make_directory(void)
{
	char path[128];

	make_path("", 0, path);
}

/* The user of the directory must be able to open it again. */
static int check_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EACCES;
	if (status.st_uid != owner() && fchown(fd, owner(), (gid_t)-1))
		return -errno;
	return status.st_nlink ? 0 : -EAGAIN;
}

static struct flock whole(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* Locks of open file descriptions: a guardian has that of the file which it has opened itself. */
static int open_locked(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct flock lock = whole(F_WRLCK);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock))
		err = errno == EAGAIN || errno == EACCES ? -EADDRINUSE : -errno;
	/* Its holder may have deleted the file since it was opened. */
	if (!err)
		err = check_file(fd);
	if (!err)
		return fd;
	close(fd);
	return err == -EAGAIN ? -EADDRINUSE : err;
}

int mark_take(const char *what, __u32 number, struct mark *ret)
{
	struct mark mark = MARK_NONE;

	if (make_path(what, number, mark.path) == 0) {
		mark.file = open_locked(mark.path);
		if (mark.file < 0)
			return mark.file;
		if (pread(mark.file, &mark.id, sizeof(mark.id), 0) != sizeof(mark.id))
			mark.id = 0;
	}
	mark.name = name_bind(what, number);
	if (mark.file < 0 && mark.name < 0)
		return mark.name;
	*ret = mark;
	return 0;
}

/* Without a record, what is left is recognized by the name, which is free then. */
void mark_record(const struct mark *mark, __u32 prog_id)
{
	ssize_t n = sizeof(prog_id);

	if (mark->file >= 0)
		n = pwrite(mark->file, &prog_id, sizeof(prog_id), 0);
	(void)n;
}

bool mark_is_left(const struct mark *mark, __u32 prog_id)
{
	return mark->name >= 0 || (mark->id && mark->id == prog_id);
}

void mark_drop(struct mark *mark)
{
	if (mark->file >= 0) {
		unlink(mark->path);
		close(mark->file);
	}
	if (mark->name >= 0)
		close(mark->name);
	mark->file = mark->name = -1;
}

bool mark_is_set(const char *what, __u32 number)
{
	struct flock lock = whole(F_WRLCK);
	char path[128];
	int fd;

	if (make_path(what, number, path))
		return name_is_bound(what, number);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fcntl(fd, F_OFD_GETLK, &lock))
		lock.l_type = F_UNLCK;
	close(fd);
	return lock.l_type != F_UNLCK;
}
