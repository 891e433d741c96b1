/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/lines.h"

char *lines_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static enum cli_status take_line(const char *origin, char *line, size_t len, lines_taker *take,
				 void *arg)
{
	if (memchr(line, '\0', len)) {
		log_error("%sthe line contains a NUL byte: the file is not text", origin);
		return CLI_USAGE;
	}
	line = lines_trim(line);
	return *line == '\0' || *line == '#' ? CLI_OK : take(arg, origin, line);
}

enum cli_status lines_each(const char *name, char *text, size_t len, lines_taker *take, void *arg)
{
	enum cli_status status = CLI_OK;
	unsigned int number = 0;
	char origin[256];

	for (char *line = text, *next; line < text + len && status == CLI_OK; line = next) {
		char *end = memchr(line, '\n', (size_t)(text + len - line));

		if (!end)
			end = text + len;
		*end = '\0';
		next = end + 1;
		snprintf(origin, sizeof(origin), "%.200s:%u: ", name, ++number);
		status = take_line(origin, line, (size_t)(end - line), take, arg);
	}
	explicit_bzero(text, len);
	return status;
}

static enum cli_status cannot_be_read(const char *path, int err)
{
	log_error("cannot read %s: %s", path, strerror(err));
	return CLI_ERROR;
}

/* Returns the number of bytes read, or a negative errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, text + len, size - len);

		if (n == 0)
			return (ssize_t)len;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return -errno;
		if (len == size)
			return -EFBIG;
	}
}

/* A pipe does not know its size, so the buffer fits the largest file. */
static enum cli_status each_of(const char *path, int fd, lines_taker *take, void *arg)
{
	char *text = malloc(LINES_FILE_MAX + 2);
	enum cli_status status;
	ssize_t len;

	if (!text)
		return cli_no_memory();
	len = read_all(fd, text, LINES_FILE_MAX + 1);
	if (len >= 0) {
		text[len] = '\0';
		status = lines_each(path, text, (size_t)len, take, arg);
	} else {
		status = cannot_be_read(path, (int)-len);
	}
	free(text);
	return status;
}

enum cli_status lines_each_of_file(const char *path, lines_taker *take, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum cli_status status;

	if (fd < 0)
		return cannot_be_read(path, errno);
	status = each_of(path, fd, take, arg);
	close(fd);
	return status;
}

enum cli_status lines_check_access(const char *path)
{
	struct stat file;

	if (stat(path, &file) || !S_ISREG(file.st_mode))
		return CLI_OK;
	if (file.st_mode & (S_IWGRP | S_IWOTH)) {
		log_error("%s contains secrets and others can write it: run 'chmod go-w %s'", path,
			  path);
		return CLI_USAGE;
	}
	if (file.st_mode & S_IROTH)
		log_at(LOG_WARNING, "%s contains secrets and is world-readable: run 'chmod o= %s'",
		       path, path);
	return CLI_OK;
}
