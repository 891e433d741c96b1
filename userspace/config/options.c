/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/help.h"
#include "config/options.h"
#include "config/suggest.h"

/** Values of getopt_long() for long options: beyond all characters. */
#define FIRST_LONG 256
#define HELP       'h'
/** What getopt_long() returns for an operand when the option string begins with a dash. */
#define OPERAND 1

/** enum pass - the command line is parsed three times, because it takes precedence over files */
enum pass {
	PASS_FIRST, /* secrets, and options that decide how errors in files are treated */
	PASS_FILES,
	PASS_KEYS,
	N_PASSES,
};

/** struct parsing - @letters, @longs: the table as getopt_long() wants it */
struct parsing {
	const struct cli_syntax *syntax;
	void *target;
	enum pass pass;
	struct option *longs;
	char letters[64];
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

static enum cli_status parse_operand(const struct parsing *parsing, char *word)
{
	const struct cli_syntax *syntax = parsing->syntax;
	int err = -EINVAL;

	if (syntax->word) {
		if (parsing->pass != PASS_KEYS)
			return CLI_OK;
		err = syntax->word(parsing->target, word);
	}
	if (!err)
		return CLI_OK;
	if (err == -ENOMEM)
		return cli_no_memory();
	if (syntax->words)
		log_error("unexpected argument '%s': expected %s", word, syntax->words);
	else
		log_error("unexpected argument '%s': %s takes options only; see '%s --help'", word,
			  syntax->command, syntax->command);
	return CLI_USAGE;
}

static enum pass pass_of(const struct cli_option *option)
{
	if (option->read)
		return PASS_FILES;
	/* Secrets are overwritten before anything can block. They accumulate, so order is
	 * irrelevant. */
	return option->instead || option->flags & CLI_NO_KEY ? PASS_FIRST : PASS_KEYS;
}

static enum cli_status parse_option(const struct parsing *parsing, const struct cli_option *option,
				    char *value)
{
	char yes[] = "yes";
	enum cli_status status;

	if (parsing->pass != pass_of(option) || (option->instead && parsing->syntax->again))
		return CLI_OK;
	if (option->read)
		return option->read(value, parsing->syntax->options, parsing->target);
	status = cli_apply(option, "--", value ? value : yes, parsing->target);
	if (option->instead) {
		memset(value, '*', strlen(value));
		if (status == CLI_OK)
			log_at(LOG_WARNING,
			       "other users could read the value of --%s in the process list until "
			       "now: use %s instead",
			       option->name, option->instead);
	}
	return status;
}

static const struct cli_option *find_letter(const struct cli_option *options, int letter)
{
	while (options->name && options->letter != letter)
		options++;
	return options->name ? options : NULL;
}

/* Logs all long options that begin with what was typed, if there are several. */
static bool is_ambiguous(const struct parsing *parsing, const char *name, size_t len)
{
	char list[256] = "";
	size_t used = 0, n = 0;

	for (const struct option *option = parsing->longs; option->name; option++) {
		if (strncmp(option->name, name, len) != 0 || used >= sizeof(list))
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s--%s", n ? ", " : "",
					 option->name);
		n++;
	}
	if (n < 2)
		return false;
	log_error("option '--%.*s' is ambiguous: %s", (int)len, name, list);
	return true;
}

/* @word: a long option as typed, perhaps with "=VALUE", which may be a secret. */
static enum cli_status unknown_option(const struct parsing *parsing, const char *word)
{
	const char *command = parsing->syntax->command;
	const char *name = word + strspn(word, "-");
	struct suggest suggest = { .name = name, .len = strcspn(name, "=") };
	const int len = (int)(strcspn(word, "="));

	if (suggest.len > 0 && is_ambiguous(parsing, name, suggest.len))
		return CLI_USAGE;
	for (const struct option *option = parsing->longs; option->name; option++)
		suggest_try(&suggest, option->name);
	if (suggest.best)
		log_error("unknown option '%.*s': did you mean '--%s'? See '%s --help'", len, word,
			  suggest.best, command);
	else
		log_error("unknown option '%.*s': see '%s --help'", len, word, command);
	return CLI_USAGE;
}

/* glibc reports a byte above 127 as a negative number. The word itself may follow, as a secret. */
static enum cli_status unknown_letter(const struct parsing *parsing, int letter)
{
	if (letter > ' ' && letter < 0x7f)
		log_error("unknown option '-%c': see '%s --help'", letter,
			  parsing->syntax->command);
	else
		log_error("unknown short option: see '%s --help'", parsing->syntax->command);
	return CLI_USAGE;
}

static enum cli_status invalid_option(const struct parsing *parsing, int result, char **argv)
{
	const char *word = argv[optind - 1];

	if (result == '?' && optopt != 0 && optopt != HELP && optopt < FIRST_LONG)
		return unknown_letter(parsing, optopt);
	if (result == ':')
		log_error("option '%s' requires a value: see '%s --help'", word,
			  parsing->syntax->command);
	else if (optopt != 0)
		log_error("option '%.*s' takes no value", (int)strcspn(word, "="), word);
	else
		return unknown_option(parsing, word);
	return CLI_USAGE;
}

static enum cli_status parse_result(const struct parsing *parsing, int result, char **argv)
{
	const struct cli_option *options = parsing->syntax->options;

	switch (result) {
	case OPERAND:
		return parse_operand(parsing, optarg);
	case HELP:
		help_print(stdout, parsing->syntax, parsing->target);
		exit(CLI_OK);
	case '?':
	case ':':
		return invalid_option(parsing, result, argv);
	}
	return parse_option(parsing,
			    result < FIRST_LONG ? find_letter(options, result)
						: &options[result - FIRST_LONG],
			    optarg);
}

static enum cli_status parse_pass(const struct parsing *parsing, int argc, char **argv)
{
	enum cli_status status = CLI_OK;
	int result;

	optind = 0; /* glibc: start anew */
	opterr = 0; /* errors are ours to log */
	while (status == CLI_OK) {
		result = getopt_long(argc, argv, parsing->letters, parsing->longs, NULL);
		if (result < 0)
			break;
		status = parse_result(parsing, result, argv);
	}
	for (; status == CLI_OK && optind < argc; optind++) /* behind "--" */
		status = parse_operand(parsing, argv[optind]);
	return status;
}

/* One entry for --help, and the last one is empty. */
static int translate_options(const struct cli_option *options, struct parsing *parsing)
{
	size_t n = 0, len = 0;

	while (options[n].name)
		n++;
	parsing->longs = calloc(n + 2, sizeof(*parsing->longs));
	if (!parsing->longs)
		return -ENOMEM;
	len += (size_t)sprintf(parsing->letters, "-:%c", HELP);
	for (size_t i = 0; i < n; i++) {
		const struct cli_option *option = &options[i];

		parsing->longs[i] = (struct option){
			.name = option->name,
			.has_arg = option->value ? required_argument : no_argument,
			.val = FIRST_LONG + (int)i,
		};
		if (option->letter)
			len += (size_t)sprintf(parsing->letters + len, "%c%s", option->letter,
					       option->value ? ":" : "");
	}
	parsing->longs[n] = (struct option){ .name = "help", .val = HELP };
	return 0;
}

enum cli_status cli_parse(const struct cli_syntax *syntax, int argc, char **argv, void *target)
{
	struct parsing parsing = { .syntax = syntax, .target = target };
	enum cli_status status = CLI_OK;

	if (translate_options(syntax->options, &parsing))
		return cli_no_memory();
	for (; parsing.pass < N_PASSES && status == CLI_OK; parsing.pass++) {
		status = parse_pass(&parsing, argc, argv);
		if (parsing.pass == PASS_FIRST && syntax->secrets_taken)
			syntax->secrets_taken(target);
	}
	free(parsing.longs);
	return status;
}
