/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "base/log.h"

/** Keys of argp for options without a letter, beyond all letters. */
#define FIRST_KEY 256

/** enum pass - the command line is gone through three times, so that it wins over files */
enum pass {
	PASS_NO_KEYS, /* what also says how errors in files are to be taken */
	PASS_FILES,
	PASS_KEYS,
};

struct parsing {
	const struct cli_syntax *syntax;
	void *target;
	enum pass pass;
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

enum cli_status cli_no_memory(void)
{
	log_error("out of memory");
	return CLI_ERROR;
}

static int set_switch(const struct cli_option *option, const char *value, void *target)
{
	bool on = strcmp(value, "yes") == 0;

	if (!on && strcmp(value, "no") != 0)
		return -EINVAL;
	memcpy((char *)target + option->field, &on, sizeof(on));
	return 0;
}

static int set_number(const struct cli_option *option, const char *value, void *target)
{
	uint32_t number;

	if (cli_number(value, option->min, option->max, &number))
		return -EINVAL;
	memcpy((char *)target + option->field, &number, sizeof(number));
	return 0;
}

static int set(const struct cli_option *option, char *value, void *target)
{
	if (option->set)
		return option->set(target, value);
	return option->value ? set_number(option, value, target)
			     : set_switch(option, value, target);
}

enum cli_status cli_apply(const struct cli_option *option, const char *origin, char *value,
			  void *target)
{
	const char *expects = option->value ? option->expects : "yes or no";

	switch (set(option, value, target)) {
	case 0:
		return CLI_OK;
	case -ENOMEM:
		return cli_no_memory();
	case -ECANCELED:
		return CLI_USAGE;
	}
	if (option->instead)
		log_error("%s%s: expected %s", origin, option->name, expects);
	else
		log_error("%s%s '%s': expected %s", origin, option->name, value, expects);
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
	if (parsing->pass != PASS_KEYS || !parsing->syntax->word(parsing->target, word))
		return 0;
	log_error("'%s': expected %s", word, parsing->syntax->words);
	parsing->status = CLI_USAGE;
	return EINVAL;
}

static void warn_of_secret(const struct cli_option *option)
{
	log_at(LOG_WARNING,
	       "the value of --%s was there for everybody to read until now: use %s instead",
	       option->name, option->instead);
}

static enum pass pass_of(const struct cli_option *option)
{
	if (option->read)
		return PASS_FILES;
	return option->flags & CLI_NO_KEY ? PASS_NO_KEYS : PASS_KEYS;
}

static enum cli_status parse_value(struct parsing *parsing, const struct cli_option *option,
				   char *value)
{
	char yes[] = "yes";
	enum cli_status status;

	if (parsing->pass != pass_of(option))
		return CLI_OK;
	if (option->read)
		return option->read(value, parsing->syntax->options, parsing->target);
	status = cli_apply(option, "--", value ? value : yes, parsing->target);
	if (option->instead && !parsing->syntax->again) {
		/* Everyone may read the command line of a process. */
		memset(value, '*', strlen(value));
		if (status == CLI_OK)
			warn_of_secret(option);
	}
	return status;
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
	parsing->status = parse_value(parsing, option, value);
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
	struct parsing parsing = { .syntax = syntax, .target = target };
	struct argp_option *options = argp_options_of(syntax->options);
	struct argp argp = { .options = options,
			     .parser = parse_option,
			     .args_doc = syntax->words,
			     .doc = syntax->doc };
	char *name = argv[0];

	if (!options)
		return cli_no_memory();
	argp_err_exit_status = CLI_USAGE;
	argv[0] = (char *)syntax->command;
	while (argp_parse(&argp, argc, argv, 0, NULL, &parsing) == 0 && parsing.pass < PASS_KEYS)
		parsing.pass++;
	argv[0] = name;
	free(options);
	return parsing.status;
}
