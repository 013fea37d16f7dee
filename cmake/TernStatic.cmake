# tern_static_library(TARGET inner objects...): an archive of the same objects as `inner` that shows tern_* alone.
#
# A static archive knows no hidden names: `window_update` in ours and in a stranger's program would clash. So the
# objects are joined into one, and all names in it but the public ones are made local. Where that cannot be
# (no objcopy; a sanitizer, whose run-time needs its own names) it is a plain archive.
function(tern_static_library target inner)
	if(TERN_SANITIZE OR NOT CMAKE_OBJCOPY)
		add_library(${target} STATIC ${ARGN})
		return()
	endif()
	set(as_machine_code "")
	if(TERN_LTO) # what a stranger's linker gets is no gcc's own
		set(as_machine_code -O2 -flto=auto -flinker-output=nolto-rel)
	endif()
	set(joined "${CMAKE_CURRENT_BINARY_DIR}/${target}.o")
	add_custom_command(OUTPUT "${joined}"
		COMMAND "${CMAKE_C_COMPILER}" -r -nostdlib ${as_machine_code} -o "${joined}"
			-Wl,--whole-archive "$<TARGET_FILE:${inner}>" -Wl,--no-whole-archive
		COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=tern_*" "${joined}"
		DEPENDS ${inner}
		COMMENT "Joining the objects of libtern.a"
		VERBATIM)
	add_library(${target} STATIC "${joined}")
	set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
endfunction()
