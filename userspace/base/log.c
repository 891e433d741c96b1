/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/log_writer.h"

/** The event of lines without one. */
#define NO_EVENT "message"

/* Atomic, since workers read them while a reload changes them. */
static _Atomic(enum log_level) max_level = LOG_INFO;
static atomic_bool is_json;

/** struct held - a line kept by log_hold() */
struct held {
	struct held *next;
	enum log_level level;
	char message[];
};

/* Only used before there are other threads. */
static bool is_holding;
static struct held *held;

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_json(bool json)
{
	is_json = json;
}

bool log_is_enabled(enum log_level level)
{
	return level <= max_level;
}

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode of the stream to the journal. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char found[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status))
		return false;
	snprintf(found, sizeof(found), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	return strcmp(stream, found) == 0;
}

static enum log_format stderr_format;

static void detect_stderr(void)
{
	stderr_format = is_journal() ? LOG_JOURNAL : LOG_PLAIN;
}

/* Detects once: stderr is not expected to change after the first line. */
static enum log_format current_format(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (is_json)
		return LOG_JSON;
	pthread_once(&once, detect_stderr);
	return stderr_format;
}

static char *format(enum log_level level, const char *event, const char *message,
		    const struct log_field *fields, size_t n_fields)
{
	struct log_line line = {
		.level = level,
		.event = event,
		.message = message,
		.fields = fields,
		.n_fields = n_fields,
	};

	clock_gettime(CLOCK_REALTIME, &line.time);
	return log_line_format(&line, current_format());
}

static void put(const char *text)
{
	const size_t len = strlen(text);

	if (!log_writer_add(text, len))
		log_write(text, len);
}

void log_event(enum log_level level, const char *event, const char *message,
	       const struct log_field *fields, size_t n_fields)
{
	char *text;

	if (!log_is_enabled(level))
		return;
	text = format(level, event, message, fields, n_fields);
	put(text ? text : "turnpike: error: out of memory while logging\n");
	free(text);
}

static char *format_lost(uint64_t lines)
{
	const struct log_field count = { .name = "lines", .number = lines };

	return format(LOG_WARNING, "log-lost",
		      "lines of the log were lost, because nobody read it in time", &count, 1);
}

int log_start(void)
{
	return log_writer_start(format_lost);
}

void log_flush(void)
{
	log_writer_flush();
}

void log_stop(void)
{
	log_writer_stop();
}

uint64_t log_lost(void)
{
	return log_writer_lost();
}

/* Returns false if out of memory. */
static bool hold(enum log_level level, const char *message)
{
	const size_t size = strlen(message) + 1;
	struct held *line = malloc(sizeof(*line) + size);

	if (!line)
		return false;
	line->level = level;
	memcpy(line->message, message, size);
	LL_APPEND(held, line);
	return true;
}

void log_hold(void)
{
	is_holding = true;
	/* --help and usage errors exit before log_release(). */
	atexit(log_release);
}

void log_release(void)
{
	struct held *line, *next;

	is_holding = false;
	LL_FOREACH_SAFE(held, line, next) {
		LL_DELETE(held, line);
		log_event(line->level, NO_EVENT, line->message, NULL, 0);
		free(line);
	}
}

void log_at(enum log_level level, const char *format, ...)
{
	char message[1024];
	va_list args;

	if (!is_holding && !log_is_enabled(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (!is_holding || !hold(level, message))
		log_event(level, NO_EVENT, message, NULL, 0);
}
