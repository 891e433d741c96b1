# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Hardening of installed binaries; tests/hardened.sh checks the result. Sanitizers replace these checks with their own.
option(TURNPIKE_HARDEN "Build with the protections of compiler and linker" ON)
if(NOT TURNPIKE_HARDEN OR TURNPIKE_SANITIZE OR TURNPIKE_SANITIZE_THREADS)
	set(TURNPIKE_HARDENED OFF)
	return()
endif()
set(TURNPIKE_HARDENED ON)

include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

# Level 3 needs a compiler with __builtin_dynamic_object_size and glibc 2.34; features.h falls back to 2.
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <features.h>
	#if __USE_FORTIFY_LEVEL < 3
	#error no level 3
	#endif
	int main(void) { return 0; }" HAVE_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
if(HAVE_FORTIFY_3)
	set(fortify 3)
else()
	set(fortify 2)
endif()
add_compile_options(
	# _FORTIFY_SOURCE needs optimisation.
	$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=${fortify}>)

# -fcf-protection is CET, of x86 only; -mbranch-protection is the same idea on arm64.
# clang only warns about a flag of another architecture.
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
	string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
	check_c_compiler_flag(${flag} ${have})
	if(${have})
		add_compile_options(${flag})
	endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
