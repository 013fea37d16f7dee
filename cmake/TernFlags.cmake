# What the compilers are told, as interface libraries that a target links to:
#
#   tern_warnings        src/: everything, and errors
#   tern_warnings_test   tests, benches, examples: the same without -Wconversion and -Wmissing-prototypes
#   tern_hardening       release flags of all that is not the core
#   tern_hardening_core  the same for the core, less what costs on every segment
#   tern_tuning          what the compiler would do slowly by itself
#   tern_sanitize        TERN_SANITIZE
#   tern_system          what may call the system sees all of it: -std=c17 alone hides POSIX

include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

# tern_add_flags(TARGET flag...): those of the flags that this compiler knows.
function(tern_add_flags target)
	foreach(flag IN LISTS ARGN)
		string(MAKE_C_IDENTIFIER "TERN_HAS${flag}" known)
		check_c_compiler_flag("${flag}" ${known})
		if(${known})
			target_compile_options(${target} INTERFACE "${flag}")
		endif()
	endforeach()
endfunction()

# --- warnings ----------------------------------------------------------------------------------

add_library(tern_warnings_test INTERFACE)
target_compile_options(tern_warnings_test INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wold-style-definition -Wvla -Wundef -Wpointer-arith
	-Wwrite-strings -Wformat-security -Wimplicit-fallthrough)
if(TERN_WERROR)
	target_compile_options(tern_warnings_test INTERFACE -Werror)
endif()

add_library(tern_warnings INTERFACE)
target_link_libraries(tern_warnings INTERFACE tern_warnings_test)
target_compile_options(tern_warnings INTERFACE -Wconversion -Wmissing-prototypes)
tern_add_flags(tern_warnings -Wlogical-op -Wduplicated-cond)

# Empty, so that a file which defines it itself does not redefine it to something else.
add_library(tern_system INTERFACE)
target_compile_definitions(tern_system INTERFACE _GNU_SOURCE=)

# --- sanitizers --------------------------------------------------------------------------------

add_library(tern_sanitize INTERFACE)
if(TERN_SANITIZE)
	target_compile_options(tern_sanitize INTERFACE
		"-fsanitize=${TERN_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(tern_sanitize INTERFACE "-fsanitize=${TERN_SANITIZE}" -fno-sanitize-recover=all)
endif()

# --- tuning ------------------------------------------------------------------------------------
#
# GCC on x86 copies and clears with `rep movs` and `rep stos` what is known to be small, which takes some
# dozens of cycles to begin: several times for each segment. Others do not know these flags.

add_library(tern_tuning INTERFACE)
tern_add_flags(tern_tuning
	-mmemcpy-strategy=unrolled_loop:256:noalign,libcall:-1:noalign
	-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign)

# --- hardening ---------------------------------------------------------------------------------
#
# Sanitized builds have none of it: they check the same things better, and FORTIFY hides some from them.

add_library(tern_hardening_core INTERFACE)
add_library(tern_hardening INTERFACE)
target_link_libraries(tern_hardening INTERFACE tern_hardening_core)

if(NOT TERN_SANITIZE AND NOT TERN_FREESTANDING)
	tern_add_flags(tern_hardening_core -fstack-protector-strong -fstack-clash-protection -fcf-protection)

	# The core is left without -ftrivial-auto-var-init: it would clear every parsed header and option
	# block that the next line fills in, once per segment: by `tern-bench instructions` 3 % of a bulk segment,
	# 6 % of a message, 5 % of an opening. The sanitizer builds and memcheck find what it would hide.
	tern_add_flags(tern_hardening -ftrivial-auto-var-init=zero)

	# Level 3 where the C library and the compiler both have it: elsewhere it warns, and so fails here.
	set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
	check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" TERN_FORTIFY_3)
	unset(CMAKE_REQUIRED_FLAGS)
	set(optimised "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
	target_compile_options(tern_hardening INTERFACE
		"$<${optimised}:-U_FORTIFY_SOURCE>"
		"$<${optimised}:-D_FORTIFY_SOURCE=$<IF:$<BOOL:${TERN_FORTIFY_3}>,3,2>>")

	target_link_options(tern_hardening INTERFACE "LINKER:-z,relro" "LINKER:-z,now" "LINKER:-z,noexecstack")
endif()
