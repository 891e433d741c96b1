/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config_file.h"
#include "config/coturn_config.h"
#include "config_fixture.h"
#include "base/log.h"

static char lines[16384];

const char *log_lines(void)
{
	return lines;
}

void log_clear(void)
{
	lines[0] = '\0';
}

void log_at(enum log_level level, const char *format, ...)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARNING] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};
	size_t len = strlen(lines);
	va_list args;

	len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s: ", names[level]);
	assert_true(len < sizeof(lines));
	va_start(args, format);
	len += (size_t)vsnprintf(lines + len, sizeof(lines) - len, format, args);
	va_end(args);
	assert_true(len + 1 < sizeof(lines));
	strcpy(lines + len, "\n");
}

struct arguments arguments(const char *words)
{
	struct arguments result = { 0 };

	for (size_t len; *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		assert_true(result.n < ARGUMENTS_MAX);
		result.list[result.n] = strndup(words, len);
		assert_non_null(result.list[result.n++]);
	}
	return result;
}

void arguments_free(struct arguments *arguments)
{
	for (int i = 0; i < arguments->n; i++)
		free(arguments->list[i]);
}

enum cli_status parse(const char *words, struct serve_config *config)
{
	struct arguments line = arguments(words);
	struct arguments kept = line;
	enum cli_status status;

	log_clear();
	status = serve_config_parse(line.n, line.list, config);
	arguments_free(&kept);
	return status;
}

/* Text in memory of its own, so that AddressSanitizer knows its end. */
static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

/** As config_file_take() and coturn_config_take(). */
typedef enum cli_status taker(const char *name, char *text, size_t len,
			      const struct cli_option *options, void *target);

static enum cli_status parse_as(taker *take, const char *name, const char *text,
				struct serve_config *config)
{
	char *copy = copy_of(text);
	enum cli_status status;

	log_clear();
	assert_int_equal(serve_config_init(config), 0);
	status = take(name, copy, strlen(text), serve_options, config);
	free(copy);
	return status;
}

enum cli_status parse_text(const char *text, struct serve_config *config)
{
	return parse_as(config_file_take, "text", text, config);
}

enum cli_status parse_coturn(const char *text, struct serve_config *config)
{
	return parse_as(coturn_config_take, "folder/text", text, config);
}

static char path[] = "config.XXXXXX";

static void remove_file(void)
{
	unlink(path);
}

const char *file_of(const char *text)
{
	static bool made;
	FILE *file;

	if (!made) {
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		close(fd);
		atexit(remove_file);
		made = true;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

struct turnpike_addr addr_of(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}
