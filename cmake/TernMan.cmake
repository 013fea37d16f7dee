# man/NAME.SECTION.scd -> NAME.SECTION, through scdoc.
file(GLOB man_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.scd")
set(TERN_MAN_PAGES "")
if(SCDOC AND man_files)
	foreach(source IN LISTS man_files)
		get_filename_component(page "${source}" NAME_WLE)
		set(output "${PROJECT_BINARY_DIR}/man/${page}")
		add_custom_command(OUTPUT "${output}"
			COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/man"
			COMMAND sh -c "'${SCDOC}' < '${source}' > '${output}'"
			DEPENDS "${source}"
			COMMENT "Writing man/${page}"
			VERBATIM)
		list(APPEND TERN_MAN_PAGES "${output}")
	endforeach()
	add_custom_target(man ALL DEPENDS ${TERN_MAN_PAGES})
endif()
