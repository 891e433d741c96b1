/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/options.h"
#include "private/array_len.h"

static const struct {
	char unit;
	uint32_t seconds;
} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

int duration_parse(char *text, uint32_t *seconds)
{
	const size_t digits = strspn(text, "0123456789");
	const char unit = text[digits];
	uint32_t number;

	if (unit && text[digits + 1])
		return -EINVAL;
	text[digits] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != unit)
			continue;
		if (cli_number(text, 1, UINT32_MAX / units[i].seconds, &number))
			return -EINVAL;
		*seconds = number * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}

/* The largest unit, and what is left in the next one. */
const char *duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX])
{
	size_t i = ARRAY_LEN(units) - 1;

	while (i > 1 && seconds < units[i].seconds)
		i--;
	if (i == 1)
		snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 " s", seconds);
	else
		snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 " %c %" PRIu64 " %c",
			 seconds / units[i].seconds, units[i].unit,
			 seconds % units[i].seconds / units[i - 1].seconds, units[i - 1].unit);
	return text;
}
