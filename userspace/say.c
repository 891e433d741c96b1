/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "say.h"

static enum say_level most = SAY_INFO;

void say_set_level(enum say_level level)
{
	most = level;
}

void say_at(enum say_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > most)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One write a line, so that lines of several processes do not mix. */
	fprintf(stderr, "turnpike: %s\n", line);
}
