/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * O_NONBLOCK: open(2) does not wait for the writer of a FIFO. The type is checked afterwards, since
 * the name may stand for another file by then.
 */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err = 0;
	struct stat file;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &file))
		err = -errno;
	else if (!S_ISREG(file.st_mode))
		err = -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* The size that fstat(2) reports is not trusted: a file can grow, and those in /proc have none. */
static int read_all(int fd, size_t max, struct regular_file *file)
{
	for (;;) {
		ssize_t n = read(fd, file->text + file->len, max + 1 - file->len);

		if (n == 0)
			break;
		if (n > 0)
			file->len += (size_t)n;
		else if (errno != EINTR)
			return -errno;
		if (file->len > max)
			return -EFBIG;
	}
	file->text[file->len] = '\0';
	return 0;
}

int regular_file_read(const char *path, size_t max, struct regular_file *ret)
{
	struct regular_file file = { .len = 0 };
	int fd = open_regular(path), err;

	if (fd < 0)
		return fd;
	file.text = malloc(max + 1);
	err = file.text ? read_all(fd, max, &file) : -ENOMEM;
	close(fd);
	if (err)
		regular_file_free(&file);
	else
		*ret = file;
	return err;
}

void regular_file_free(struct regular_file *file)
{
	if (file->text)
		explicit_bzero(file->text, file->len);
	free(file->text);
	*file = (struct regular_file){ 0 };
}

const char *regular_file_error(int err)
{
	return err == -EINVAL ? "it is not a regular file" : strerror(-err);
}
