/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/regular_file.h"
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

/** struct path - of a file that has been read; kept for lines_unreadable() */
struct path {
	struct path *next;
	char text[];
};

static struct path *paths;

static void remember(const char *path)
{
	const size_t size = strlen(path) + 1;
	struct path *known;

	LL_FOREACH(paths, known)
		if (strcmp(known->text, path) == 0)
			return;
	known = malloc(sizeof(*known) + size);
	if (!known)
		return;
	memcpy(known->text, path, size);
	LL_PREPEND(paths, known);
}

const char *lines_unreadable(void)
{
	const struct path *path;

	LL_FOREACH(paths, path)
		if (access(path->text, R_OK))
			return path->text;
	return NULL;
}

enum cli_status lines_each_of_file(const char *path, lines_taker *take, void *arg)
{
	struct regular_file file;
	enum cli_status status;
	int err = regular_file_read(path, LINES_FILE_MAX, &file);

	if (err) {
		log_error("cannot read %s: %s", path, regular_file_error(err));
		return CLI_ERROR;
	}
	remember(path);
	status = lines_each(path, file.text, file.len, take, arg);
	regular_file_free(&file);
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
