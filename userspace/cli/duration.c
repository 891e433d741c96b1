/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/duration.h"

#include <errno.h>
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
