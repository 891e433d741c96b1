/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "config/suggest.h"

/** Longer names are not compared. */
#define NAME_MAX_LEN 40

static size_t min3(size_t a, size_t b, size_t c)
{
	const size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/**
 * The optimal string alignment distance: insertions, deletions, substitutions and transpositions of
 * neighbours. Three rows of the matrix are enough.
 */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][NAME_MAX_LEN + 1] = { { 0 } };

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		const size_t *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

void suggest_try(struct suggest *suggest, const char *candidate)
{
	const size_t len = strlen(candidate);
	size_t d;

	if (suggest->len == 0 || suggest->len > NAME_MAX_LEN || len > NAME_MAX_LEN)
		return;
	d = distance(suggest->name, suggest->len, candidate, len);
	/* One typing error in three letters; more is a different word. */
	if (d > 3 || d > (suggest->len + 2) / 3 || (suggest->best && d >= suggest->distance))
		return;
	suggest->best = candidate;
	suggest->distance = d;
}
