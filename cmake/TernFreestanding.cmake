# The core rooms, and the two links that make no system call, as a target without an operating system compiles
# them.
#
# Not position independent: so a constant table of pointers stays in .rodata, and whatever the check finds in
# .data or .bss is mutable global state. No stack protector: its canary and its failure call are libc's.

tern_rooms(core_files base wire tcp ip host)
tern_machine_files(core_files)
file(GLOB link_files CONFIGURE_DEPENDS
	src/link/pair*.c src/link/impair*.c src/link/flat*.c)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

add_library(tern_core STATIC ${core_files} ${link_files})
set_target_properties(tern_core PROPERTIES OUTPUT_NAME tern-core)
target_include_directories(tern_core PRIVATE include src)
target_link_libraries(tern_core PRIVATE tern_warnings)
target_compile_options(tern_core PRIVATE
	-ffreestanding -nostdlib -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
	-U_FORTIFY_SOURCE)

enable_testing()
add_test(NAME freestanding COMMAND "${PROJECT_SOURCE_DIR}/tools/freestanding_check.sh"
	"${CMAKE_C_COMPILER}" "${CMAKE_NM}" $<TARGET_FILE:tern_core>)
set_tests_properties(freestanding PROPERTIES LABELS freestanding)
