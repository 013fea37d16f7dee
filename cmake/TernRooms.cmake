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
