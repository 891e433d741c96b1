/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file options.h
 * One table of options for the command line, its --help and the config file.
 */
#ifndef TURNPIKE_CONFIG_OPTIONS_H
#define TURNPIKE_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The control socket, unless another one is asked for. */
#define CONTROL_PATH "/run/turnpike/control.sock"

/** Exit statuses: a contract with scripts. */
enum cli_status {
	CLI_OK,
	CLI_ERROR,
	CLI_USAGE,
};

/** What a file may do with an option, enum cli_option.flags. */
enum cli_flags {
	/** It adds up; any other option may be in a file once. */
	CLI_REPEATABLE = 1 << 0,
	/** It has a meaning on the command line only. */
	CLI_NO_KEY = 1 << 1,
};

/**
 * struct cli_option - one option
 * @name:    the long option, and the key in the config file
 * @letter:  the short option, or 0
 * @value:   the name of its value in --help, NULL if it takes none: in a file it is "yes" or "no"
 * @help:    for --help
 * @expects: what a right value is, with an example
 * @set:     puts a value, which it may overwrite, into the target. Returns 0, -EINVAL, -ENOMEM, or
 *           -ECANCELED after it has said a sentence itself. NULL: the value is put at @field
 * @field:   offset in the target of a uint32_t from @min to @max, or of a bool if @value is NULL
 * @read:    not NULL: the value is the name of a file with more options, to be read by this. It
 *           has no meaning in such a file
 * @instead: not NULL: the value is a secret, which is neither said nor left for others to read,
 *           and this is what to use instead on the command line
 * @flags:   enum cli_flags
 */
struct cli_option {
	const char *name;
	int letter;
	const char *value;
	const char *help;
	const char *expects;
	int (*set)(void *target, char *value);
	size_t field;
	uint32_t min;
	uint32_t max;
	enum cli_status (*read)(const char *path, const struct cli_option *options, void *target);
	const char *instead;
	unsigned int flags;
};

/**
 * struct cli_syntax - the options of one command
 * @command: "turnpike" and the command
 * @doc:     the head of its --help
 * @options: end with one that has no name
 * @words:   the name of what stands beside the options in --help, NULL if nothing may
 * @word:    takes one such word into the target; returns 0 or -EINVAL
 * @again:   it was parsed before: secrets among the arguments are not hidden, nor warned of, once
 * more
 */
struct cli_syntax {
	const char *command;
	const char *doc;
	const struct cli_option *options;
	const char *words;
	int (*word)(void *target, char *word);
	bool again;
};

/**
 * cli_parse() - put the command line, and the files that it names, into @target
 *
 * What stands on the command line wins over what stands in files. Secrets in @argv are overwritten,
 * since everybody may read it. --help and errors of getopt end the process. On any other error a
 * sentence has been said.
 */
enum cli_status cli_parse(const struct cli_syntax *syntax, int argc, char **argv, void *target);

/** cli_apply() - set one option; @origin is where it stands, for the error message */
enum cli_status cli_apply(const struct cli_option *option, const char *origin, char *value,
			  void *target);

/** cli_number() - read decimal digits; Return: 0, or -EINVAL for all but a number in the bounds. */
int cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/** cli_no_memory() - say that there is none; Return: CLI_ERROR. */
enum cli_status cli_no_memory(void);

#endif /* TURNPIKE_CONFIG_OPTIONS_H */
