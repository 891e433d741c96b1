/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_line.h"

#define JSON_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII)
#define DELETE     0x7f

/** Priorities as in syslog(3). */
static const struct {
	const char *name;
	const char *prefix;
	int priority;
} levels[] = {
	[LOG_ERROR] = { "error", "error: ", 3 },
	[LOG_WARNING] = { "warning", "warning: ", 4 },
	[LOG_INFO] = { "info", "", 6 },
	[LOG_DEBUG] = { "debug", "", 7 },
};

/* Converts Latin-1 to UTF-8: each byte is a character. */
static json_t *latin1(const char *text)
{
	char *utf8 = malloc(2 * strlen(text) + 1), *pos = utf8;
	json_t *result;

	if (!utf8)
		return NULL;
	for (; *text; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (byte < 0x80) {
			*pos++ = (char)byte;
		} else {
			*pos++ = (char)(0xc0 | byte >> 6);
			*pos++ = (char)(0x80 | (byte & 0x3f));
		}
	}
	*pos = '\0';
	result = json_string(utf8);
	free(utf8);
	return result;
}

static json_t *string(const char *text)
{
	json_t *result = json_string(text);

	return result ? result : latin1(text);
}

static json_t *value_of(const struct log_field *field)
{
	return field->text ? string(field->text) : json_integer((json_int_t)field->number);
}

static json_t *time_of(const struct timespec *time)
{
	char date[32], text[48];
	struct tm utc;

	gmtime_r(&time->tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%03ldZ", date, time->tv_nsec / 1000000);
	return json_string(text);
}

static void write_json(const struct log_line *line, FILE *out)
{
	json_t *object = json_object();

	json_object_set_new(object, "time", time_of(&line->time));
	json_object_set_new(object, "level", json_string(levels[line->level].name));
	json_object_set_new(object, "event", json_string(line->event));
	json_object_set_new(object, "message", string(line->message));
	for (size_t i = 0; i < line->n_fields; i++)
		json_object_set_new(object, line->fields[i].name, value_of(&line->fields[i]));
	json_dumpf(object, out, JSON_FLAGS);
	json_decref(object);
}

/* Whether a value needs no quotes and cannot be mistaken for another field. */
static bool is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text <= ' ' || *text >= DELETE || strchr("\"\\=", *text))
			return false;
	}
	return true;
}

static void write_field(const struct log_field *field, FILE *out)
{
	json_t *value;

	fprintf(out, " %s=", field->name);
	if (!field->text) {
		fprintf(out, "%" PRIu64, field->number);
	} else if (is_plain(field->text)) {
		fputs(field->text, out);
	} else {
		value = string(field->text);
		json_dumpf(value, out, JSON_FLAGS | JSON_ENCODE_ANY);
		json_decref(value);
	}
}

static void write_plain(const struct log_line *line, FILE *out)
{
	fprintf(out, "turnpike: %s", levels[line->level].prefix);
	for (const char *pos = line->message; *pos; pos++)
		fputc((unsigned char)*pos < ' ' ? ' ' : *pos, out);
	for (size_t i = 0; i < line->n_fields; i++)
		write_field(&line->fields[i], out);
}

char *log_line_format(const struct log_line *line, enum log_format format)
{
	size_t len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (format == LOG_JOURNAL)
		fprintf(out, "<%d>", levels[line->level].priority);
	if (format == LOG_JSON)
		write_json(line, out);
	else
		write_plain(line, out);
	fputc('\n', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
