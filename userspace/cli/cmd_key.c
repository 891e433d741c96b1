/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "stun/integrity.h"
#include "stun/opaque_string.h"

/** Longer input is a mistake. */
#define PASSWORD_MAX 1024

/** struct key_of - the owner of the key */
struct key_of {
	char *user;
	char *realm;
};

/* Replaces *text, which may be NULL. */
static int set_text(char **text, const char *value, size_t max)
{
	char *prepared;
	int err = strlen(value) > max ? -EINVAL : stun_opaque_string(value, &prepared);

	if (err)
		return err;
	free(*text);
	*text = prepared;
	return 0;
}

static int set_user(void *target, char *value)
{
	if (strchr(value, ':'))
		return -EINVAL;
	return set_text(&((struct key_of *)target)->user, value, STUN_USERNAME_MAX);
}

static int set_realm(void *target, char *value)
{
	return set_text(&((struct key_of *)target)->realm, value, STUN_TEXT_MAX);
}

/*
 * On a terminal, turns off the echo. It also turns off signals, since ^C would leave the terminal
 * without an echo; the character is rejected later, as no password contains control characters.
 */
static int read_line(char *line, size_t size)
{
	struct termios before, silent;
	const bool interactive = tcgetattr(STDIN_FILENO, &before) == 0;
	size_t len;
	bool complete;

	if (interactive) {
		fputs("Password: ", stderr);
		silent = before;
		silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	/* Unbuffered: the password must not stay in a stdio buffer. */
	setvbuf(stdin, NULL, _IONBF, 0);
	complete = fgets(line, (int)size, stdin) != NULL;
	if (interactive) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputs("\n", stderr);
	}
	if (!complete)
		return -ENODATA;
	len = strcspn(line, "\r\n");
	if (len + 1 == size)
		return -E2BIG;
	line[len] = '\0';
	return 0;
}

static enum cli_status read_password(char **ret)
{
	char line[PASSWORD_MAX + 2];
	int err = read_line(line, sizeof(line));

	if (!err)
		err = stun_opaque_string(line, ret);
	explicit_bzero(line, sizeof(line));
	switch (err) {
	case 0:
		return CLI_OK;
	case -ENOMEM:
		return cli_no_memory();
	}
	log_error(
		"expected a password on stdin: one line of at most %u bytes of UTF-8 without control "
		"characters",
		PASSWORD_MAX);
	return CLI_USAGE;
}

static enum cli_status print_key(const struct key_of *of, const char *password,
				 enum stun_password_algorithm algorithm)
{
	struct stun_key key;
	int err = stun_long_term_key(algorithm, of->user, of->realm, password, &key);

	if (err) {
		log_error("cannot derive the key: %s", strerror(-err));
		return CLI_ERROR;
	}
	printf("%s:0x", of->user);
	for (size_t i = 0; i < key.len; i++)
		printf("%02x", key.bytes[i]);
	printf("\n");
	explicit_bzero(&key, sizeof(key));
	return CLI_OK;
}

static enum cli_status print_keys(const struct key_of *of)
{
	enum cli_status status;
	char *password;

	if (!of->user || !of->realm) {
		log_error(
			"--user NAME and --realm REALM are required; the realm must be that of the server");
		return CLI_USAGE;
	}
	status = read_password(&password);
	if (status != CLI_OK)
		return status;
	status = print_key(of, password, STUN_PASSWORD_MD5);
	if (status == CLI_OK)
		status = print_key(of, password, STUN_PASSWORD_SHA256);
	explicit_bzero(password, strlen(password));
	free(password);
	return status;
}

enum cli_status command_key(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "user", 0, "NAME", "Name of the user.", "1 to 508 bytes of UTF-8 without a colon",
		  .set = set_user },
		{ "realm", 0, "REALM", "Realm of the server.", "1 to 127 bytes of UTF-8",
		  .set = set_realm },
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike key",
		.doc = "Read a password from the terminal or from stdin, and print the keys of the user "
		       "as lines for --users-file of 'turnpike serve'.",
		.options = options,
	};
	struct key_of of = { 0 };
	enum cli_status status = cli_parse(&syntax, argc, argv, &of);

	if (status == CLI_OK)
		status = print_keys(&of);
	free(of.user);
	free(of.realm);
	return status;
}
