# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
option(TURNPIKE_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TURNPIKE_SANITIZE_THREADS "Build with ThreadSanitizer" OFF)
option(TURNPIKE_FUZZ "Build tests/fuzz with libFuzzer (clang)" OFF)

if(TURNPIKE_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
endif()

# The server's filter of system calls allows more in these builds: userspace/process/system_calls.c.
if(TURNPIKE_SANITIZE OR TURNPIKE_SANITIZE_THREADS)
	add_compile_definitions(TURNPIKE_SANITIZED)
endif()

if(TURNPIKE_SANITIZE_THREADS)
	add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
	add_link_options(-fsanitize=thread)
endif()
