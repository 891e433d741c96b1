#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every long option that a command's --help has is in the man page, and the other way round.
# Usage: man_matches_help.sh TURNPIKE MAN_PAGE
set -eu
export ASAN_OPTIONS=detect_leaks=0 # argp of glibc 2.36 does not free what it prints --help from
commands="serve key status stats flows mode probe pass verify"

in_help() {
	for command in $commands; do
		"$1" "$command" --help
	done | grep -oE '^ *(-[A-Za-z?], )?--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u
}

in_man() {
	grep -oE '^\*(-[a-z]\*, \*)?--[a-z-]+' "$1" | grep -oE -e '--[a-z-]+' | sort -u
}

# What every program has is not described once more.
differences=$(
	{
		in_help "$1" | grep -vxE -e '--(help|usage|version)' | sed 's/^/help /'
		in_man "$2" | grep -vxE -e '--(help|usage|version)' | sed 's/^/man /'
	} | sort -k2 | awk '{ n[$2]++; where[$2] = $1 } END { for (o in n) if (n[o] == 1) print o " is only in the " where[o] }'
)
[ -n "$(in_help "$1")" ] || { echo "no option was found in any --help"; exit 1; }
[ -z "$differences" ] || { echo "$differences"; exit 1; }
