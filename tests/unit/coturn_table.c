/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prints the table of docs/coturn.md: the fate of each key of coturn. */
#include <stdio.h>
#include <string.h>

#include "config/coturn_keys.h"

static const char *const fates[] = {
	[COTURN_TAKEN] = "taken",         [COTURN_ALMOST] = "taken, with a warning",
	[COTURN_NEEDLESS] = "not needed", [COTURN_MISSING] = "no effect, a warning",
	[COTURN_REFUSED] = "an error",
};

static void print_row(const struct coturn_key *key)
{
	printf("| `%s` | %s", key->name, fates[key->fate]);
	if (key->option && strcmp(key->option, key->name) != 0)
		printf(", as `%s`", key->option);
	printf(" | %s |\n", key->why ? key->why : "");
}

int main(void)
{
	printf("| key of coturn | here | |\n|---|---|---|\n");
	for (const struct coturn_key *key = coturn_keys; key->name; key++)
		print_row(key);
	return 0;
}
