/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A string in a buffer of fixed size. Longer text is truncated.
 */
#ifndef TURNPIKE_ATTACH_BASE_TEXT_H
#define TURNPIKE_ATTACH_BASE_TEXT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *buffer; /* always a string */
	size_t size;
};

/** text_append() - append like printf() */
static inline void __attribute__((format(printf, 2, 3)))
text_append(struct text *text, const char *format, ...)
{
	const size_t used = strlen(text->buffer);
	va_list args;

	va_start(args, format);
	vsnprintf(text->buffer + used, text->size - used, format, args);
	va_end(args);
}

#endif /* TURNPIKE_ATTACH_BASE_TEXT_H */
