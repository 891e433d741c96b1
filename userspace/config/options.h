/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file options.h
 * One table of options serves the command line, --help and configuration files.
 */
#ifndef TURNPIKE_CONFIG_OPTIONS_H
#define TURNPIKE_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The default control socket. */
#define CONTROL_PATH "/run/turnpike/control.sock"

/** enum cli_status - exit statuses; scripts depend on them */
enum cli_status {
	CLI_OK,
	CLI_ERROR,
	CLI_USAGE,
};

/** enum cli_flags - where an option may appear, enum cli_option.flags */
enum cli_flags {
	/** Values accumulate. Any other option may appear once in a file. */
	CLI_REPEATABLE = 1 << 0,
	/** Valid on the command line only. */
	CLI_NO_KEY = 1 << 1,
};

/**
 * struct cli_option - one option
 * @name:     long option, and key in a configuration file
 * @letter:   short option, or 0
 * @value:    placeholder of the value in --help; NULL for a switch, which is "yes" or "no" in a
 * file
 * @help:     one or more sentences for --help, without the default
 * @expects:  noun phrase that describes a valid value, with an example
 * @set:      store the value, which may be overwritten, in the target. Returns 0, -EINVAL, -ENOMEM,
 *            or -ECANCELED after logging an error. NULL: store the value in @field
 * @field:    offset in the target of a uint32_t between @min and @max, or of a bool for a switch
 * @fallback: default value in words; NULL for a number: --help prints the one in the target
 * @read:     the value names a file of further options, which this function reads; such an option
 *            is not valid in a file
 * @instead:  the value is a secret, which is neither logged nor left in the process list; @instead
 *            names the option to use on the command line
 * @flags:    enum cli_flags
 * @reload:   enum reload_part for a @field that takes effect on SIGHUP; 0: a restart is required
 * @group:    title of the --help section that this option starts, or NULL
 */
struct cli_option {
	const char *name;
	char letter;
	const char *value;
	const char *help;
	const char *expects;
	int (*set)(void *target, char *value);
	size_t field;
	uint32_t min;
	uint32_t max;
	const char *fallback;
	enum cli_status (*read)(const char *path, const struct cli_option *options, void *target);
	const char *instead;
	unsigned int flags;
	unsigned int reload;
	const char *group;
};

/**
 * struct cli_syntax - the command line of one sub-command
 * @command: "turnpike" and the sub-command
 * @doc:     introduction of its --help
 * @options: terminated by an entry without a name
 * @words:   operands as printed by --help; NULL if there are none
 * @word:    store one operand in the target; returns 0, -EINVAL or -ENOMEM
 * @again:   the same arguments were parsed before: skip their secrets, which are overwritten
 * @secrets_taken: called when the secrets in the arguments have been stored in the target, before
 *           files are read; may be NULL
 */
struct cli_syntax {
	const char *command;
	const char *doc;
	const struct cli_option *options;
	const char *words;
	int (*word)(void *target, char *word);
	bool again;
	void (*secrets_taken)(void *target);
};

/**
 * cli_parse() - parse the command line, and the files that it names, into @target
 * @target: initialised with the defaults
 *
 * The command line takes precedence over files. Secrets in @argv are overwritten, because any user
 * can read the process list. --help prints to stdout and exits.
 *
 * Return: CLI_OK; any other status after logging an error.
 */
enum cli_status cli_parse(const struct cli_syntax *syntax, int argc, char **argv, void *target);

/** cli_apply() - store one option; @origin prefixes error messages, for example "file:3: " */
enum cli_status cli_apply(const struct cli_option *option, const char *origin, char *value,
			  void *target);

/** cli_number() - parse a decimal number; Return: 0, or -EINVAL if it is not in the range. */
int cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/** cli_no_memory() - log the error; Return: CLI_ERROR. */
enum cli_status cli_no_memory(void);

#endif /* TURNPIKE_CONFIG_OPTIONS_H */
