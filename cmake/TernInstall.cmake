# What `cmake --install` puts where. tern.pc and the CMake package find the rest from where they themselves
# lie, so an installed tree may be moved, and --prefix may be given at install time.
include(CMakePackageConfigHelpers)

install(TARGETS ${libraries} EXPORT ternTargets
	LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
	ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
	INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY include/tern DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
if(TARGET tern)
	install(TARGETS tern RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
# For packetdrill --so_filename: a module, not a library to link with.
if(TARGET tern_packetdrill)
	install(TARGETS tern_packetdrill LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
# Opened at run time by what was linked with the library (link/dpdk.c).
if(TARGET tern_dpdk)
	install(TARGETS tern_dpdk LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/tern")
endif()
# Not into /etc: whoever needs it puts it there (tern doctor says so).
install(FILES share/apparmor.d/tern DESTINATION "${CMAKE_INSTALL_DATADIR}/tern/apparmor.d")

install(FILES share/completions/tern.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME tern)
install(FILES share/completions/_tern DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES share/completions/tern.fish DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tern")
install(EXPORT ternTargets NAMESPACE tern:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/ternConfig.cmake.in "${PROJECT_BINARY_DIR}/ternConfig.cmake"
	INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ternConfigVersion.cmake"
	COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ternConfig.cmake" "${PROJECT_BINARY_DIR}/ternConfigVersion.cmake"
	DESTINATION "${package_dir}")

file(RELATIVE_PATH TERN_PC_PREFIX "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
configure_file(cmake/tern.pc.in "${PROJECT_BINARY_DIR}/tern.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tern.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

foreach(page IN LISTS TERN_MAN_PAGES)
	string(REGEX MATCH "[0-9]$" section "${page}")
	install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
endforeach()
