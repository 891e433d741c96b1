/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/coturn_apply.h"
#include "config/coturn_config.h"
#include "config/lines.h"
#include "config/suggest.h"
#include "private/array_len.h"

/** Defaults of coturn. */
#define DEFAULT_PORT     3478
#define DEFAULT_PORT_TLS 5349
#define MIN_PORT         49152
#define MAX_PORT         65535

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static const struct coturn_key *find_key(const char *name)
{
	const struct coturn_key *key = coturn_keys;

	while (key->name && strcmp(key->name, name) != 0)
		key++;
	return key->name ? key : NULL;
}

/* Splits a line as coturn does: name, separators, value, which may be quoted. */
static char *split(char *line)
{
	char *value = line + strcspn(line, " =\t");

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " =\t");
	if (*value == '"') {
		size_t len = strlen(++value);

		if (len > 0 && value[len - 1] == '"')
			value[len - 1] = '\0';
	}
	return value;
}

/* Parses as coturn does. Returns -EINVAL where coturn exits. */
static int parse_flag(const char *value)
{
	static const char *const no[] = { "off", "OFF", "Off" }, *const yes[] = { "on", "ON",
										  "On" };

	if (*value == '\0' || strchr("123456789yYtT", *value))
		return true;
	if (strchr("0nNfF", *value))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (strcmp(value, no[i]) == 0)
			return false;
		if (strcmp(value, yes[i]) == 0)
			return true;
	}
	return -EINVAL;
}

static int add_entry(struct coturn_reading *reading, const struct coturn_key *key,
		     const char *origin, const char *value)
{
	struct coturn_entry *grown = reallocarray(reading->entries, reading->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	reading->entries = grown;
	grown[reading->n] = (struct coturn_entry){
		.key = key,
		.origin = strdup(origin),
		.value = strdup(value),
	};
	reading->n++;
	return grown[reading->n - 1].origin && grown[reading->n - 1].value ? 0 : -ENOMEM;
}

/* Anything that does not look like a key may be part of a secret, and is not logged. */
static void log_unknown_key(const char *origin, const char *name)
{
	struct suggest suggest = { .name = name, .len = strlen(name) };

	if (name[strspn(name, KEY_CHARS)] != '\0') {
		log_error("%snot a coturn option: correct or remove the line", origin);
		return;
	}
	for (const struct coturn_key *key = coturn_keys; key->name; key++)
		suggest_try(&suggest, key->name);
	if (suggest.best)
		log_error("%sunknown key '%s': did you mean '%s'?", origin, name, suggest.best);
	else
		log_error("%sunknown key '%s': correct or remove the line", origin, name);
}

static enum cli_status take_line(void *arg, const char *origin, char *line)
{
	struct coturn_reading *reading = arg;
	const char *value = split(line);
	const struct coturn_key *key = find_key(line);
	int on = true;

	if (!key) {
		log_unknown_key(origin, line);
		reading->status = CLI_USAGE;
		return CLI_OK;
	}
	if (*value == '\0' && key->empty)
		value = key->empty;
	if (key->how == COTURN_FLAG)
		on = parse_flag(value);
	if (on < 0) {
		log_error("%s%s: expected yes or no", origin, key->name);
		reading->status = CLI_USAGE;
	}
	/* A flag that is off, or a value that is the default here, changes nothing. */
	if (on <= 0 || (key->same && strcmp(value, key->same) == 0))
		return CLI_OK;
	return add_entry(reading, key, origin, value) ? cli_no_memory() : CLI_OK;
}

static bool has_secrets(const struct coturn_reading *reading)
{
	for (size_t i = 0; i < reading->n; i++) {
		const char *name = reading->entries[i].key->option;
		const struct cli_option *option = name ? coturn_find_option(reading, name) : NULL;

		if (option && option->instead)
			return true;
	}
	return false;
}

static void free_entries(struct coturn_reading *reading)
{
	for (size_t i = 0; i < reading->n; i++) {
		struct coturn_entry *entry = &reading->entries[i];

		if (entry->value)
			explicit_bzero(entry->value, strlen(entry->value));
		free(entry->value);
		free(entry->origin);
	}
	free(reading->entries);
}

static struct coturn_reading reading_of(const char *name, const struct cli_option *options,
					void *target)
{
	return (struct coturn_reading){
		.name = name,
		.options = options,
		.target = target,
		.coturn = { .port = DEFAULT_PORT,
			    .tls_port = DEFAULT_PORT_TLS,
			    .min_port = MIN_PORT,
			    .max_port = MAX_PORT,
			    .threads = COTURN_UNSET,
			    .stale_nonce = COTURN_UNSET },
	};
}

/* To be called once all lines have been collected. */
static enum cli_status finish(struct coturn_reading *reading, enum cli_status status)
{
	if (status != CLI_OK)
		return status;
	coturn_apply(reading);
	return reading->status;
}

enum cli_status coturn_config_read(const char *path, const struct cli_option *options, void *target)
{
	struct coturn_reading reading = reading_of(path, options, target);
	enum cli_status status = finish(&reading, lines_each_of_file(path, take_line, &reading));

	if (status == CLI_OK && has_secrets(&reading))
		status = lines_check_access(path);
	free_entries(&reading);
	return status;
}

enum cli_status coturn_config_take(const char *name, char *text, size_t len,
				   const struct cli_option *options, void *target)
{
	struct coturn_reading reading = reading_of(name, options, target);
	enum cli_status status = finish(&reading, lines_each(name, text, len, take_line, &reading));

	free_entries(&reading);
	return status;
}
