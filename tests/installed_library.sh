#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Someone else's program, built against what `cmake --install` leaves in an empty root: installed_library.sh BUILD_FOLDER
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

DESTDIR=$root cmake --install "$1"
pc=$(find "$root" -name '*turnpike.pc' -print -quit)
[[ -n $pc ]] || { echo "no turnpike.pc was installed"; exit 1; }
cat >"$scratch/tiny.c" <<-'END'
	#include <turnpike/turnpike.h>
	#include <errno.h>
	#include <stdio.h>

	int main(void)
	{
		TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = 16);
		struct turnpike *tp;

		if (turnpike_open(&opts, &tp)) {
			puts(turnpike_error(NULL));
			return 1;
		}
		if (turnpike_attach(tp, "nonesuch", NULL) != -ENODEV)
			return 1;
		turnpike_close(tp);
		return 0;
	}
END
read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$root \
	pkg-config --cflags --libs "$(basename "$pc" .pc)")
"${CC:-cc}" -Wall -Wextra -Werror "$scratch/tiny.c" -o "$scratch/tiny" -Wl,--no-as-needed "${flags[@]}"
LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libturnpike.*' -print -quit)") "$scratch/tiny"
