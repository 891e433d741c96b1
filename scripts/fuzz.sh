#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzzes: scripts/fuzz.sh [SECONDS [TARGET...]]. Each target runs for so many seconds (30), beginning with its corpus. What
# it finds new is kept in build/fuzz/corpus for the next time; an input that fails is copied to the corpus of
# tests/fuzz, so that from then on every test run repeats it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-30}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(relay icmp framing stun turn config)
declare -A max_len=([relay]=4096 [icmp]=1500 [framing]=1500 [stun]=1500 [turn]=1024 [config]=4096)
for target in "${targets[@]}"; do
	[[ -n ${max_len[$target]:-} ]] || { echo "fuzz.sh: no target is called $target, but these are: ${!max_len[*]}" >&2; exit 2; }
done

build() {
	cmake --preset fuzz && cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"
}

fuzz() { # TARGET
	local found=build/fuzz/corpus/$1 failures=build/fuzz/failures/$1 log=build/fuzz/$1.log
	local -a words=()
	[[ ! -f tests/fuzz/$1.dict ]] || words=("-dict=tests/fuzz/$1.dict")
	mkdir -p "$found" "$failures"
	if build/fuzz/tests/fuzz/"fuzz_$1" -max_total_time="$seconds" -max_len="${max_len[$1]}" -timeout=10 \
		"${words[@]}" -artifact_prefix="$failures/" "$found" "tests/fuzz/corpus/$1" >"$log" 2>&1; then
		printf '== %s: %s\n' "$1" "$(grep -o 'DONE .*' "$log")"
		sed -n '/^Done /,$p' "$log"
		return 0
	fi
	tail -n 40 "$log"
	cp "$failures"/* "tests/fuzz/corpus/$1/"
	return 1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
build >"$log" 2>&1 || { cat "$log"; exit 1; }

failed=()
for target in "${targets[@]}"; do
	fuzz "$target" || failed+=("$target")
done
[[ ${#failed[@]} -eq 0 ]] || { echo "FAILED: ${failed[*]}; the inputs are in tests/fuzz/corpus now."; exit 1; }
