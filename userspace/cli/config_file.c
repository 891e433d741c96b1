/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_file.h"
#include "say.h"

/* Cuts white space off both ends. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text + strspn(text, " \t");
}

static const struct cli_option *find_option(const struct cli_option *options, const char *name)
{
	/* Those that name files are for the command line only: files do not nest. */
	for (; options->name; options++) {
		if (options->set && strcmp(options->name, name) == 0)
			return options;
	}
	return NULL;
}

static enum cli_status read_line(const char *origin, char *line, const struct cli_option *options,
				 void *target)
{
	char *text = trim(line), *equals = strchr(text, '=');
	const struct cli_option *option;

	if (*text == '\0' || *text == '#')
		return CLI_OK;
	if (!equals) {
		say("%sexpected 'key = value'", origin);
		return CLI_USAGE;
	}
	*equals = '\0';
	option = find_option(options, trim(text));
	if (!option) {
		say("%sthere is no key '%s': see 'turnpike serve --help'", origin, trim(text));
		return CLI_USAGE;
	}
	return cli_apply(option, origin, trim(equals + 1), target);
}

static enum cli_status read_lines(FILE *file, const char *path, const struct cli_option *options,
				  void *target)
{
	enum cli_status status = CLI_OK;
	unsigned int number = 0;
	char origin[256];
	char *line = NULL;
	size_t size = 0;

	while (status == CLI_OK && getline(&line, &size, file) >= 0) {
		snprintf(origin, sizeof(origin), "%s:%u: ", path, ++number);
		status = read_line(origin, line, options, target);
	}
	free(line);
	return status;
}

enum cli_status config_file_read(const char *path, const struct cli_option *options, void *target)
{
	FILE *file = fopen(path, "re");
	enum cli_status status;

	if (!file) {
		say("the config file %s cannot be read: %s", path, strerror(errno));
		return CLI_ERROR;
	}
	status = read_lines(file, path, options, target);
	if (status == CLI_OK && ferror(file)) {
		say("the config file %s cannot be read: %s", path, strerror(errno));
		status = CLI_ERROR;
	}
	fclose(file);
	return status;
}
