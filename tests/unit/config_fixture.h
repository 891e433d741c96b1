/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config_fixture.h
 * Command lines, config files, and what is said of them, which config_fixture.c listens to.
 */
#ifndef TURNPIKE_CONFIG_FIXTURE_H
#define TURNPIKE_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "config/serve_config.h"

/** Arguments of a command line, at most. */
#define ARGUMENTS_MAX 64

/** said() - all lines so far, each with its level and a colon in front */
const char *said(void);

/** said_nothing() - forget them */
void said_nothing(void);

/** assert_said() - @part is in what was said */
#define assert_said(part) assert_ptr_not_equal(strstr(said(), (part)), NULL)

/** assert_not_said() - @part is not */
#define assert_not_said(part) assert_ptr_equal(strstr(said(), (part)), NULL)

/** struct arguments - a command line that may be written to, as that of a process */
struct arguments {
	int n;
	char *list[ARGUMENTS_MAX + 1];
};

/** arguments() - copies of @words, which are separated by single blanks */
struct arguments arguments(const char *words);

void arguments_free(struct arguments *arguments);

/** parse() - serve_config_parse() of words; what was said before is forgotten */
enum cli_status parse(const char *words, struct serve_config *config);

/** parse_text() - config_file_take() of a text called "text", into an empty config */
enum cli_status parse_text(const char *text, struct serve_config *config);

/** parse_coturn() - coturn_config_take() of the same called "folder/text" */
enum cli_status parse_coturn(const char *text, struct serve_config *config);

/**
 * file_of() - a file with this text, which only we may read
 *
 * Return: its path, valid until the next time; it is gone at the end of the process.
 */
const char *file_of(const char *text);

struct turnpike_addr addr_of(const char *text);

/** assert_addr() - @addr is what addr_parse() makes of the text */
#define assert_addr(addr, text)                                               \
	do {                                                                  \
		const struct turnpike_addr is_ = (addr), be_ = addr_of(text); \
		assert_memory_equal(&is_, &be_, sizeof(is_));                 \
	} while (0)

#endif /* TURNPIKE_CONFIG_FIXTURE_H */
