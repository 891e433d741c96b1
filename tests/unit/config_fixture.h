/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config_fixture.h
 * Parses command lines and configuration files, and captures the log.
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

/** Maximum number of arguments. */
#define ARGUMENTS_MAX 64

/** log_lines() - all lines logged so far, each as "level: message" */
const char *log_lines(void);

/** log_clear() - forget them */
void log_clear(void);

/** assert_logged() - the log contains @part */
#define assert_logged(part) assert_ptr_not_equal(strstr(log_lines(), (part)), NULL)

/** assert_not_logged() - the log does not contain @part */
#define assert_not_logged(part) assert_ptr_equal(strstr(log_lines(), (part)), NULL)

/** struct arguments - a writable command line, like that of a process */
struct arguments {
	int n;
	char *list[ARGUMENTS_MAX + 1];
};

/** arguments() - split @words at single blanks */
struct arguments arguments(const char *words);

void arguments_free(struct arguments *arguments);

/** parse() - clear the log, and call serve_config_parse() with @words */
enum cli_status parse(const char *words, struct serve_config *config);

/** parse_text() - clear the log, and call config_file_take() with the name "text" */
enum cli_status parse_text(const char *text, struct serve_config *config);

/** parse_coturn() - likewise, coturn_config_take() with the name "folder/text" */
enum cli_status parse_coturn(const char *text, struct serve_config *config);

/**
 * file_of() - write @text to a file of mode 0600
 *
 * Return: its path. The next call overwrites the file, and the end of the process removes it.
 */
const char *file_of(const char *text);

struct turnpike_addr addr_of(const char *text);

/** assert_addr() - @addr equals the address that @text spells */
#define assert_addr(addr, text)                                               \
	do {                                                                  \
		const struct turnpike_addr is_ = (addr), be_ = addr_of(text); \
		assert_memory_equal(&is_, &be_, sizeof(is_));                 \
	} while (0)

#endif /* TURNPIKE_CONFIG_FIXTURE_H */
