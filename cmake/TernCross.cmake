# A Linux of another processor, by Debian's cross compiler, with qemu-user to run what comes of it. What the
# toolchain files of the machine presets have in common: TERN_TRIPLET and TERN_QEMU are set before.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER "${TERN_TRIPLET}-gcc")
set(CMAKE_CROSSCOMPILING_EMULATOR "${TERN_QEMU};-L;/usr/${TERN_TRIPLET}")
# Libraries and headers of this machine are none of the other's.
set(CMAKE_FIND_ROOT_PATH "/usr/${TERN_TRIPLET}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
