# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One target that carries the warnings; everything of ours links it privately.
option(TURNPIKE_WERROR "Warnings are errors" OFF)

add_library(turnpike_warnings INTERFACE)
target_compile_options(turnpike_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wvla -Wpointer-arith
	-Wmissing-prototypes -Wstrict-prototypes -Wformat=2
	$<$<BOOL:${TURNPIKE_WERROR}>:-Werror>)
