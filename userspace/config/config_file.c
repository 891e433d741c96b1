/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config_file.h"
#include "config/lines.h"
#include "config/suggest.h"

/** struct file - the file being read; @seen: by option, whether it has appeared */
struct file {
	const struct cli_option *options;
	void *target;
	bool *seen;
	bool has_secrets;
};

static bool is_key_of(const struct cli_option *option)
{
	return !option->read && !(option->flags & CLI_NO_KEY);
}

static const struct cli_option *find_option(const struct cli_option *options, const char *name)
{
	for (; options->name; options++) {
		if (is_key_of(options) && strcmp(options->name, name) == 0)
			return options;
	}
	return NULL;
}

static enum cli_status unknown_key(const struct file *file, const char *origin, const char *key)
{
	struct suggest suggest = { .name = key, .len = strlen(key) };

	for (const struct cli_option *option = file->options; option->name; option++) {
		if (is_key_of(option))
			suggest_try(&suggest, option->name);
	}
	if (suggest.best)
		log_error("%sunknown key '%s': did you mean '%s'?", origin, key, suggest.best);
	else
		log_error("%sunknown key '%s': see 'turnpike serve --help'", origin, key);
	return CLI_USAGE;
}

static char *unquote(char *value)
{
	size_t len = strlen(value);

	if (*value != '"')
		return value;
	if (len < 2 || value[len - 1] != '"')
		return NULL;
	value[len - 1] = '\0';
	return value + 1;
}

/* Anything else in front of a '=' may be part of a secret, and is not logged. */
static bool is_key(const char *text)
{
	return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz-")] == '\0';
}

static bool is_duplicate(struct file *file, const struct cli_option *option)
{
	bool *seen = &file->seen[option - file->options];
	bool duplicate = *seen && !(option->flags & CLI_REPEATABLE);

	*seen = true;
	return duplicate;
}

static enum cli_status take_value(struct file *file, const char *origin,
				  const struct cli_option *option, char *value)
{
	value = unquote(value);
	if (!value) {
		log_error("%sthe value of %s lacks its closing quote", origin, option->name);
		return CLI_USAGE;
	}
	if (is_duplicate(file, option)) {
		log_error("%s%s appears twice in this file: remove one", origin, option->name);
		return CLI_USAGE;
	}
	file->has_secrets |= option->instead != NULL;
	return cli_apply(option, origin, value, file->target);
}

static enum cli_status take_line(void *arg, const char *origin, char *line)
{
	struct file *file = arg;
	char *key = line, *equals = strchr(line, '=');
	const struct cli_option *option;

	if (equals) {
		*equals = '\0';
		key = lines_trim(line);
	}
	if (!equals || !is_key(key)) {
		log_error("%sexpected 'key = value', such as 'realm = example.org'", origin);
		return CLI_USAGE;
	}
	option = find_option(file->options, key);
	return option ? take_value(file, origin, option, lines_trim(equals + 1))
		      : unknown_key(file, origin, key);
}

static bool *nothing_seen(const struct cli_option *options)
{
	size_t n = 0;

	while (options[n].name)
		n++;
	return calloc(n + 1, sizeof(bool));
}

enum cli_status config_file_read(const char *path, const struct cli_option *options, void *target)
{
	struct file file = { .options = options, .target = target, .seen = nothing_seen(options) };
	enum cli_status status;

	if (!file.seen)
		return cli_no_memory();
	status = lines_each_of_file(path, take_line, &file);
	if (status == CLI_OK && file.has_secrets)
		status = lines_check_access(path);
	free(file.seen);
	return status;
}

enum cli_status config_file_take(const char *name, char *text, size_t len,
				 const struct cli_option *options, void *target)
{
	struct file file = { .options = options, .target = target, .seen = nothing_seen(options) };
	enum cli_status status;

	if (!file.seen)
		return cli_no_memory();
	status = lines_each(name, text, len, take_line, &file);
	free(file.seen);
	return status;
}
