# tern_rooms(OUT room...): every C file of the named rooms of src/. CONFIGURE_DEPENDS makes the build look
# again each time, so that an added file needs no edit and no manual reconfigure.
#
# A room that has no file yet adds none; where all of them are empty, OUT is one generated file, because a
# library without sources is an error to CMake.
function(tern_rooms out)
	set(found "")
	foreach(room IN LISTS ARGN)
		file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/*.c")
		list(APPEND found ${files})
	endforeach()
	if(NOT found)
		list(JOIN ARGN "_" name)
		set(found "${PROJECT_BINARY_DIR}/empty/${name}.c")
		file(WRITE "${found}" "extern int tern_empty_${name};\n")
	endif()
	set(${out} ${found} PARENT_SCOPE)
endfunction()

# tern_machine_files(LIST): of the files of which a machine has one or the other, those of the others leave the list.
# What is compiled for more than every machine of its kind has asks the processor before it is used.
function(tern_machine_files list)
	set(base "${PROJECT_SOURCE_DIR}/src/base")
	set(files ${${list}})
	check_c_source_compiles("#ifndef __x86_64__\n#error\n#endif\nint main(void) { return 0; }" TERN_MACHINE_X86_64)
	check_c_compiler_flag(-mavx2 TERN_HAS_MAVX2)
	if(TERN_MACHINE_X86_64 AND TERN_HAS_MAVX2)
		list(REMOVE_ITEM files "${base}/sum_narrow.c")
		set_source_files_properties("${base}/sum_avx2.c" PROPERTIES COMPILE_OPTIONS -mavx2)
	else()
		list(REMOVE_ITEM files "${base}/sum_avx2.c")
	endif()
	set(${list} ${files} PARENT_SCOPE)
endfunction()
