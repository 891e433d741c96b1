# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
option(TURNPIKE_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TURNPIKE_FUZZ "Build what libFuzzer needs to see where inputs get (clang)" OFF)

if(TURNPIKE_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
endif()
if(TURNPIKE_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
