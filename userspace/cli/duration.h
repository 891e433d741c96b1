/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CLI_DURATION_H
#define TURNPIKE_CLI_DURATION_H

#include <stdint.h>

/** What duration_parse() expects, for struct cli_option. */
#define DURATION_EXPECTS "a time such as 90s, 15m, 2h or 7d"

/**
 * duration_parse() - parse a number of at least 1 with a unit: s, m, h or d; without one, seconds
 * @text:    overwritten
 * @seconds: the result
 *
 * Return: 0 or -EINVAL.
 */
int duration_parse(char *text, uint32_t *seconds);

/** Room for the text of a duration. */
#define DURATION_TEXT_MAX 40

/** duration_format() - a time for people, such as "3 h 12 m"; Return: @text */
const char *duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX]);

#endif /* TURNPIKE_CLI_DURATION_H */
