#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Run the tests: scripts/test.sh [--list] [quick | STAGE...]. Without arguments it runs all of them, as CI does. `quick`
# takes less than five minutes on two cores. The stages are in test.py.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
-*) exec /usr/bin/python3 -B scripts/test.py "$@" ;;
esac
become_root "creating network namespaces and loading BPF programs" "$@"

scripts/deps.sh test check
trap give_back EXIT
/usr/bin/python3 -B scripts/test.py "$@"
