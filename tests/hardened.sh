#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Check that executables, shared libraries and archives are hardened: hardened.sh FILE...
# CET is checked in archives only: Debian 12's crt1.o lacks the mark, so the linker removes it from programs.
# -fstack-clash-protection leaves no trace for readelf.
set -euo pipefail
export LC_ALL=C
failed=0

# expect FILE WHAT READELF_OPTION PATTERN: the output of readelf must match the pattern.
expect() {
	readelf -W "$3" "$1" | grep -E -e "$4" >/dev/null || complain "$1" "no $2"
}

complain() { # FILE WHAT
	echo "$(basename "$1"): $2"
	failed=1
}

linked() { # FILE
	expect "$1" "position-independent code" -h 'Type: +DYN'
	[[ $1 == *.so* ]] || expect "$1" "PIE flag" -d 'FLAGS_1.*\bPIE\b'
	expect "$1" "RELRO" -l GNU_RELRO
	expect "$1" "BIND_NOW, so RELRO is partial" -d 'FLAGS(_1)?\).*\b(BIND_)?NOW\b'
	expect "$1" "stack that is not executable" -l 'GNU_STACK .* RW +0x'
	expect "$1" "stack protector" --dyn-syms '\b__stack_chk_fail\b'
	expect "$1" "_FORTIFY_SOURCE" --dyn-syms '\b__(v?snprintf|memcpy|memset|strcpy|read|recv)_chk\b'
	! readelf -Wd "$1" | grep TEXTREL >/dev/null || complain "$1" "relocations in code"
}

archive() { # FILE
	local members marked
	members=$(readelf -Wh "$1" | grep -c X86-64) || return 0 # only x86 has CET
	marked=$(readelf -Wn "$1" | grep -c 'IBT, SHSTK') || true
	[[ $marked -eq $members ]] || complain "$1" "no CET mark in $((members - marked)) of $members objects"
}

[[ $# -gt 0 ]] || { echo "hardened.sh: no file to check" >&2; exit 2; }
for file; do
	if [[ $file == *.a ]]; then archive "$file"; else linked "$file"; fi
done
[[ $failed -ne 0 ]] || echo "$# files are hardened"
exit $failed
