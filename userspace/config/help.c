/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "config/help.h"

/** Columns: of a line, and where descriptions begin. */
#define WIDTH    80
#define INDENT   29
#define LINE     (WIDTH - 1)
#define TEXT_MAX 512
/** Room for a number. */
#define NUMBER_MAX 16

/** struct cursor - @column: where the next character goes; @indent: where new lines begin */
struct cursor {
	FILE *file;
	int column;
	int indent;
};

static void start_line(struct cursor *cursor)
{
	fprintf(cursor->file, "\n%*s", cursor->indent, "");
	cursor->column = cursor->indent;
}

/* Words go to the next line where they do not fit. */
static void print_words(struct cursor *cursor, const char *text)
{
	while (*text != '\0') {
		const int len = (int)strcspn(text, " ");
		const bool first = cursor->column == cursor->indent;

		if (!first && cursor->column + 1 + len > LINE)
			start_line(cursor);
		else if (!first)
			cursor->column += fprintf(cursor->file, " ");
		cursor->column += fprintf(cursor->file, "%.*s", len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void print_text(FILE *file, int column, int indent, const char *text)
{
	struct cursor cursor = { .file = file, .column = column, .indent = indent };

	if (indent > 0 && column + 2 > indent)
		start_line(&cursor);
	else
		cursor.column += fprintf(file, "%*s", indent - column, "");
	print_words(&cursor, text);
	fprintf(file, "\n");
}

/* The default of a number is the one in @target; that of a switch is always no. */
static const char *default_of(const struct cli_option *option, const void *target,
			      char text[static NUMBER_MAX])
{
	uint32_t number;

	if (option->fallback || !option->value || option->set || option->read)
		return option->fallback;
	memcpy(&number, (const char *)target + option->field, sizeof(number));
	snprintf(text, NUMBER_MAX, "%u", number);
	return text;
}

static void print_option(FILE *file, const struct cli_option *option, const void *target)
{
	char text[TEXT_MAX], number[NUMBER_MAX];
	const char *fallback = default_of(option, target, number);
	int column =
		option->letter ? fprintf(file, "  -%c, ", option->letter) : fprintf(file, "      ");

	column += fprintf(file, "--%s%s%s", option->name, option->value ? "=" : "",
			  option->value ? option->value : "");
	snprintf(text, sizeof(text), "%s%s%s%s%s", option->help,
		 option->flags & CLI_REPEATABLE ? " Repeatable." : "",
		 fallback ? " [default: " : "", fallback ? fallback : "", fallback ? "]" : "");
	print_text(file, column, INDENT, text);
}

void help_print(FILE *file, const struct cli_syntax *syntax, const void *target)
{
	static const struct cli_option help = { .name = "help",
						.letter = 'h',
						.help = "Print this help and exit." };

	fprintf(file, "Usage: %s [OPTION...]%s%s\n", syntax->command, syntax->words ? " " : "",
		syntax->words ? syntax->words : "");
	print_text(file, 0, 0, syntax->doc);
	for (const struct cli_option *option = syntax->options; option->name; option++) {
		if (option->group || option == syntax->options)
			fprintf(file, "\n%s:\n", option->group ? option->group : "Options");
		print_option(file, option, target);
	}
	fprintf(file, "\n");
	print_option(file, &help, target);
}
