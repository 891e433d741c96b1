# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpf_object(out.o "DEFINE ..." a.bpf.c ...): compile for BPF and link into one object.
# bpf_skeleton(TARGET NAME name SOURCES ... [DEFINES ...]): the same, and TARGET carries NAME.skel.h in its
# include path.
#
# Depfiles make an object depend on every header that it includes, so nothing is listed by hand.
find_program(BPF_CLANG NAMES clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

# v3 loads on 5.15 and needs fewer instructions than v2; clang 14 has no v4.
set(BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -std=gnu17 -fno-strict-aliasing -Wall -Wextra -Wno-unused-parameter
	-I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/programs
	# Debian keeps asm/types.h in the architecture's own folder, which -target bpf leaves out.
	-idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})

# All generated headers, for tools that read sources without building them.
add_custom_target(skeletons)

function(bpf_object output defines)
	set(objects)
	list(TRANSFORM defines PREPEND -D)
	foreach(source IN LISTS ARGN)
		cmake_path(ABSOLUTE_PATH source)
		cmake_path(GET source FILENAME name)
		set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
		add_custom_command(OUTPUT ${object}
			COMMAND ${BPF_CLANG} ${BPF_FLAGS} ${defines} $<$<BOOL:${TURNPIKE_WERROR}>:-Werror>
				-MD -MF ${object}.d -c ${source} -o ${object}
			DEPENDS ${source} DEPFILE ${object}.d COMMAND_EXPAND_LISTS VERBATIM
			COMMENT "BPF ${name}")
		list(APPEND objects ${object})
	endforeach()
	add_custom_command(OUTPUT ${output}
		COMMAND ${BPFTOOL} gen object ${output} ${objects}
		DEPENDS ${objects} VERBATIM COMMENT "BPF link")
endfunction()

function(bpf_skeleton target)
	cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEFINES" ${ARGN})
	set(linked ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}.bpf.o)
	set(header ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}.skel.h)

	bpf_object(${linked} "${ARG_DEFINES}" ${ARG_SOURCES})
	add_custom_command(OUTPUT ${header}
		COMMAND ${BPFTOOL} gen skeleton ${linked} name ${ARG_NAME}_bpf > ${header}
		DEPENDS ${linked} VERBATIM COMMENT "BPF skeleton ${ARG_NAME}")
	add_custom_target(${target}_header DEPENDS ${header})
	add_dependencies(skeletons ${target}_header)
	add_library(${target} INTERFACE)
	add_dependencies(${target} ${target}_header)
	target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
