#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Formatters and linters: scripts/check.sh [--fix] [TOOL...]. For each tool it prints the numbers of files and findings.
# The exit status is 1 if there are findings. --fix lets clang-format write. `scripts/deps.sh check` installs the tools.
# shellcheck disable=SC2317 # run_TOOL is called by the tool's name
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"
become_owner "$@"

state=build/check # caches and logs of the tools
ruff=$state/ruff/node_modules/@astral-sh/ruff-wasm-nodejs
tools=(clang-format clang-tidy cppcheck ruff shellcheck codespell)
fix='' failed=0

# files PATTERN...: tracked and untracked files, without ignored ones and the fuzzing corpora
files() {
	git -c "safe.directory=$PWD" ls-files --cached --others --exclude-standard -- "$@" ':!tests/fuzz/corpus'
}

# Drop files that are deleted but not yet committed.
existing() {
	local file
	while IFS= read -r file; do
		[[ ! -f $file ]] || printf '%s\n' "$file"
	done
}

# in_parallel FILE_LIST COMMAND...: run a command on batches of the files, one for each CPU, since most tools take longer
# to start than for a file; $batch overrides the number of files in each
in_parallel() {
	local cpus n
	cpus=$(nproc)
	n=$((($(wc -l <"$1") + cpus) / cpus))
	xargs -a "$1" -d '\n' -P "$cpus" -n "${batch:-$n}" -- "${@:2}"
}

run_clang-format() { # FILE_LIST
	local version
	version=$(clang-format --version | grep -oE 'version [0-9]+')
	[[ $version == "version 14" ]] || die "clang-format has $version: the tree is formatted with 14, that of Debian 12"
	if [[ $fix ]]; then in_parallel "$1" clang-format -i; fi
	in_parallel "$1" clang-format --dry-run -Werror
}

run_clang-tidy() { # FILE_LIST
	batch=8 in_parallel "$1" clang-tidy -p build/dev --quiet # long for each file, and some take longer
}

run_cppcheck() {
	mkdir -p "$state/cppcheck"
	cppcheck --quiet -j "$(nproc)" --project=build/dev/compile_commands.json --cppcheck-build-dir="$state/cppcheck" \
		--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--library=posix,gnu,scripts/check/cppcheck.cfg --suppressions-list=scripts/check/cppcheck.suppressions \
		--template='{file}:{line}: {severity}: {message} [{id}]'
}

run_ruff() { # FILE_LIST
	local options
	if command -v ruff >/dev/null; then
		in_parallel "$1" ruff check --quiet --output-format concise
	else
		options=$(/usr/bin/python3 -c 'import json, tomllib; print(json.dumps(tomllib.load(open("ruff.toml", "rb"))))')
		in_parallel "$1" node scripts/check/ruff.mjs "$ruff" "$options"
	fi
}

run_shellcheck() { # FILE_LIST
	in_parallel "$1" shellcheck --format=gcc
}

run_codespell() { # FILE_LIST
	in_parallel "$1" codespell
}

# The files that a tool reads, one per line.
files_of() { # TOOL
	case $1 in
	clang-format) files '*.c' '*.h' ;;
	clang-tidy | cppcheck) sed -n 's/^  "file": "\(.*\)"$/\1/p' build/dev/compile_commands.json | sort -u ;;
	ruff) files '*.py' ;;
	shellcheck) files '*.sh' .ci scripts/completion ;;
	codespell) files ':!scripts/check/package-lock.json' ;;
	esac
}

# Prepare the inputs of a tool.
prepare() { # TOOL
	case $1 in
	clang-tidy | cppcheck)
		[[ ! ${configured:-} ]] || return 0
		# Compile commands and generated headers.
		scripts/build.sh dev skeletons && configured=yes
		;;
	ruff)
		if command -v ruff >/dev/null || cmp -s scripts/check/package-lock.json "$state/ruff/package-lock.json"; then
			return 0
		fi
		mkdir -p "$state/ruff"
		cp scripts/check/package.json "$state/ruff"
		npm_ci && cp scripts/check/package-lock.json "$state/ruff" # last, as it marks success
		;;
	esac
}

npm_ci() {
	local lock=scripts/check/package-lock.json
	cp "$lock" "$state/ruff/npm-shrinkwrap.json"
	echo "ruff: npm fetches it, once"
	# npm would wait more than a minute between its attempts, in silence.
	(cd "$state/ruff" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=1000 \
		--fetch-retry-maxtimeout=5000)
}

check() { # TOOL
	local tool=$1 list=$state/$1.files log=$state/$1.log findings status=0 command=$1
	if [[ $tool == ruff ]] && ! command -v ruff >/dev/null; then command=npm; fi
	if ! command -v "$command" >/dev/null; then
		echo "SKIPPED: $tool: $command is not installed; run scripts/deps.sh check"
		return
	fi
	if ! prepare "$tool"; then
		echo "$tool: setup failed"
		failed=1
		return
	fi
	files_of "$tool" | existing >"$list"
	"run_$tool" "$list" >"$log" 2>&1 || status=$?
	findings=$(grep -E '^[^ ]+:[0-9]+:' "$log" | grep -vcE ' note: [^[]*$') || true # clang's notes belong to a finding
	[[ $status -eq 0 || $findings -gt 0 ]] || findings=1 # failed without a finding
	[[ $findings -eq 0 ]] || grep -vE '^[0-9]+ (warnings?|errors?) ' "$log" || true
	printf '%-12s %4d files, %d findings\n' "$tool" "$(wc -l <"$list")" "$findings"
	[[ $findings -eq 0 ]] || failed=1
}

while [[ ${1:-} == --* ]]; do
	[[ $1 == --fix ]] || die "usage: check.sh [--fix] [TOOL...]; the tools are ${tools[*]}"
	fix=yes
	shift
done
for tool in "$@"; do
	[[ " ${tools[*]} " == *" $tool "* ]] || die "unknown tool '$tool': the tools are ${tools[*]}"
done
mkdir -p "$state"
for tool in "${@:-"${tools[@]}"}"; do check "$tool"; done
exit $failed
