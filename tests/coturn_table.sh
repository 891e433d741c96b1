#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Compare the table in docs/coturn.md with the code: coturn_table.sh COTURN_TABLE DOCUMENT
set -eu

wanted=$("$1")
found=$(sed -n '/^| key of coturn/,/^$/p' "$2")
[ "$wanted" = "$found" ] || {
	echo "the table in $2 differs from coturn_keys.c; replace it by the output of $1:"
	printf '%s\n' "$wanted"
	exit 1
}
