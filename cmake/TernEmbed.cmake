# tern_embed(OUT name file): a file as bytes in the program: OUT is a C file with `const unsigned char tern_embedded_NAME[]`
# and `const size_t tern_embedded_NAME_n` (tool/report.h). CMake alone does it: no xxd, no npm.
function(tern_embed out name file)
	set(made "${PROJECT_BINARY_DIR}/embedded/${name}.c")
	add_custom_command(OUTPUT "${made}"
		COMMAND "${CMAKE_COMMAND}" "-DFROM=${file}" "-DTO=${made}" "-DNAME=tern_embedded_${name}"
			-P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
		DEPENDS "${file}" "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
		COMMENT "Embedding ${name}"
		VERBATIM)
	set(${out} "${made}" PARENT_SCOPE)
endfunction()
