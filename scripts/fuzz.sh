#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzz: scripts/fuzz.sh [SECONDS [TARGET...]]. Each target starts with its corpus and runs for SECONDS (default: 30). One
# target runs per CPU. New inputs are kept in build/fuzz/corpus for the next run. A failing input moves to the corpus in
# tests/fuzz, so that every later test run repeats it.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"
become_owner "$@"

declare -A max_len dictionary
known=()
while read -r name len dict; do
	[[ -n $name && $name != \#* ]] || continue
	known+=("$name") max_len[$name]=$len dictionary[$name]=$dict
done <tests/fuzz/targets

seconds=${1:-30}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "SECONDS must be a number, not '$seconds'"
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=("${known[@]}")
for target in "${targets[@]}"; do
	[[ -n ${max_len[$target]:-} ]] || die "unknown target '$target': the targets are ${known[*]}"
done

fuzz() { # TARGET
	local found=build/fuzz/corpus/$1 failures=build/fuzz/failures/$1
	local -a options=(-max_total_time="$seconds" -max_len="${max_len[$1]}" -timeout=100 -artifact_prefix="$failures/")
	[[ ${dictionary[$1]} == - ]] || options+=(-dict="tests/fuzz/${dictionary[$1]}")
	mkdir -p "$found" "$failures"
	exec build/fuzz/tests/fuzz/"fuzz_$1" "${options[@]}" "$found" "tests/fuzz/corpus/$1" >"build/fuzz/$1.log" 2>&1
}

# Print the result of a target.
report() { # TARGET STATUS
	local log=build/fuzz/$1.log
	if [[ $2 -eq 0 ]]; then
		printf '== %s: %s\n' "$1" "$(grep -o 'DONE .*' "$log")"
		sed -n '/^Done /,$p' "$log"
		return
	fi
	failed+=("$1")
}

# Print the log and the inputs of a failed target, because CI deletes its checkout.
print_failure() { # TARGET
	local input
	echo "-- $1"
	tail -n 40 "build/fuzz/$1.log"
	for input in "build/fuzz/failures/$1"/*; do
		[[ -f $input ]] || continue # interrupted before it wrote one
		echo "Input, base64: $(base64 -w 0 "$input")"
		mv "$input" "tests/fuzz/corpus/$1/"
	done
}

# Wait until one of the running targets ends.
reap() {
	local pid status=0
	wait -n -p pid || status=$?
	report "${running[$pid]}" "$status"
	unset "running[$pid]"
}

declare -A running=()
failed=()
# shellcheck disable=SC2317 # the trap calls it
stop() {
	[[ ${#running[@]} -eq 0 ]] || kill "${!running[@]}" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT TERM HUP
scripts/build.sh fuzz "${targets[@]/#/fuzz_}"

for target in "${targets[@]}"; do
	[[ ${#running[@]} -lt $(nproc) ]] || reap
	fuzz "$target" &
	running[$!]=$target
done
while [[ ${#running[@]} -gt 0 ]]; do reap; done
[[ ${#failed[@]} -gt 0 ]] || exit 0
for target in "${failed[@]}"; do print_failure "$target"; done
echo "FAILED: ${failed[*]}; the inputs are now in tests/fuzz/corpus."
exit 1
