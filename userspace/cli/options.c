/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_file.h"
#include "cli/options.h"
#include "say.h"

/** Keys of argp for options without a letter, beyond all letters. */
#define FIRST_KEY 256

struct parsing {
	const struct cli_syntax *syntax;
	void *target;
	bool files; /* this pass reads the files; the next one sets the options */
	enum cli_status status;
};

int cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	unsigned long long value;

	if (text[strspn(text, "0123456789")] != '\0' || *text == '\0' || strlen(text) > 10)
		return -EINVAL;
	value = strtoull(text, NULL, 10);
	if (value < min || value > max)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

enum cli_status cli_apply(const struct cli_option *option, const char *origin, char *value,
			  void *target)
{
	int err = option->set(target, value);

	if (!err)
		return CLI_OK;
	if (err == -ENOMEM) {
		say("out of memory");
		return CLI_ERROR;
	}
	say("%s%s '%s': expected %s", origin, option->name, value, option->expects);
	return CLI_USAGE;
}

static int key_of(const struct cli_option *options, size_t i)
{
	return options[i].letter ? options[i].letter : FIRST_KEY + (int)i;
}

static error_t parse_word(struct parsing *parsing, char *word)
{
	if (!parsing->syntax->word)
		return ARGP_ERR_UNKNOWN;
	if (parsing->files || !parsing->syntax->word(parsing->target, word))
		return 0;
	say("'%s': expected %s", word, parsing->syntax->words);
	parsing->status = CLI_USAGE;
	return EINVAL;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct parsing *parsing = state->input;
	const struct cli_option *option = parsing->syntax->options;

	if (key == ARGP_KEY_ARG)
		return parse_word(parsing, value);
	for (size_t i = 0; option->name && key_of(parsing->syntax->options, i) != key; i++)
		option++;
	if (!option->name)
		return ARGP_ERR_UNKNOWN;
	if (parsing->files && !option->set)
		parsing->status =
			config_file_read(value, parsing->syntax->options, parsing->target);
	else if (!parsing->files && option->set)
		parsing->status = cli_apply(option, "--", value, parsing->target);
	/* Any error ends argp_parse(), and argp says nothing of its own to this one. */
	return parsing->status == CLI_OK ? 0 : EINVAL;
}

static struct argp_option *argp_options_of(const struct cli_option *options)
{
	struct argp_option *result;
	size_t n = 0;

	while (options[n].name)
		n++;
	result = calloc(n + 1, sizeof(*result));
	for (size_t i = 0; result && i < n; i++)
		result[i] = (struct argp_option){
			.name = options[i].name,
			.key = key_of(options, i),
			.arg = options[i].value,
			.doc = options[i].help,
		};
	return result;
}

enum cli_status cli_parse(const struct cli_syntax *syntax, int argc, char **argv, void *target)
{
	struct parsing parsing = { .syntax = syntax, .target = target, .files = true };
	struct argp_option *options = argp_options_of(syntax->options);
	struct argp argp = { .options = options,
			     .parser = parse_option,
			     .args_doc = syntax->words,
			     .doc = syntax->doc };

	if (!options) {
		say("out of memory");
		return CLI_ERROR;
	}
	argp_err_exit_status = CLI_USAGE;
	argv[0] = (char *)syntax->command;
	if (argp_parse(&argp, argc, argv, 0, NULL, &parsing) == 0) {
		parsing.files = false;
		argp_parse(&argp, argc, argv, 0, NULL, &parsing);
	}
	free(options);
	return parsing.status;
}
