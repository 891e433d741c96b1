#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Install into an empty root, build the example against that, and run it: installed_library.sh BUILD_DIRECTORY
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

DESTDIR=$root cmake --install "$1"
pc=$(find "$root" -name '*turnpike.pc' -print -quit)
[[ -n $pc ]] || { echo "no turnpike.pc was installed"; exit 1; }
read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$root \
	pkg-config --cflags --libs "$(basename "$pc" .pc)")
"${CC:-cc}" -Wall -Wextra -Werror examples/bind.c -o "$scratch/bind" -Wl,--no-as-needed "${flags[@]}"

# The error for a nonexistent device shows that the library is found and loads its programs.
status=0
output=$(LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libturnpike.*' -print -quit)") \
	"$scratch/bind" nonesuch 192.0.2.7:40000 192.0.2.1:3478 192.0.2.1:50000 198.51.100.9:6000 2>&1) || status=$?
echo "$output"
[[ $status -eq 1 && $output == *nonesuch* ]]
