#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Configure and build: scripts/build.sh PRESET [TARGET...]. Root builds as the owner of the checkout.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"
[[ $# -gt 0 ]] || die "usage: build.sh PRESET [TARGET...]"

build() {
	as_owner cmake --preset "$1" -DBUILD_TESTING=ON && as_owner cmake --build --preset "$1" "${@:2}"
}

give_back
targets=("${@:2}")
NINJA_STATUS="[%p] " with_progress "Building $1" build "$1" "${targets[@]/#/--target=}"
