/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The log of units that log: on stderr. */
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
