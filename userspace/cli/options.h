/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file options.h
 * One table of options for the command line, its --help and the config file.
 */
#ifndef TURNPIKE_CLI_OPTIONS_H
#define TURNPIKE_CLI_OPTIONS_H

#include <stdint.h>

/** The control socket, unless another one is asked for. */
#define CONTROL_PATH "/run/turnpike/control.sock"

/** Exit statuses: a contract with scripts. */
enum cli_status {
	CLI_OK,
	CLI_ERROR,
	CLI_USAGE,
};

/**
 * struct cli_option - one option
 * @name:    the long option, and the key in the config file
 * @letter:  the short option, or 0
 * @value:   the name of its value in --help, NULL if it takes none
 * @help:    for --help
 * @expects: what a right value is, with an example
 * @set:     puts a value, which it may overwrite, into the target. Returns 0, -EINVAL or -ENOMEM.
 *           NULL: the value is the name of a file with more options
 */
struct cli_option {
	const char *name;
	int letter;
	const char *value;
	const char *help;
	const char *expects;
	int (*set)(void *target, char *value);
};

/**
 * struct cli_syntax - the options of one command
 * @command: "turnpike" and the command
 * @doc:     the head of its --help
 * @options: end with one that has no name
 * @words:   the name of what stands beside the options in --help, NULL if nothing may
 * @word:    takes one such word into the target; returns 0 or -EINVAL
 */
struct cli_syntax {
	const char *command;
	const char *doc;
	const struct cli_option *options;
	const char *words;
	int (*word)(void *target, char *word);
};

/**
 * cli_parse() - put the command line, and the files that it names, into @target
 *
 * What stands on the command line wins over what stands in files. --help and errors of getopt end
 * the process. On any other error a sentence has been said.
 */
enum cli_status cli_parse(const struct cli_syntax *syntax, int argc, char **argv, void *target);

/** cli_apply() - set one option; @origin is where it stands, for the error message */
enum cli_status cli_apply(const struct cli_option *option, const char *origin, char *value,
			  void *target);

/** cli_number() - read decimal digits; Return: 0, or -EINVAL for all but a number in the bounds. */
int cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

#endif /* TURNPIKE_CLI_OPTIONS_H */
