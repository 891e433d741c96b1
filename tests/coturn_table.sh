#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The table in docs/coturn.md is that of the code. Usage: coturn_table.sh COTURN_TABLE DOCUMENT
set -eu

wanted=$("$1")
found=$(sed -n '/^| key of coturn/,/^$/p' "$2")
[ "$wanted" = "$found" ] || {
	echo "the table in $2 is not that of coturn_keys.c; it should be what $1 prints:"
	printf '%s\n' "$wanted"
	exit 1
}
