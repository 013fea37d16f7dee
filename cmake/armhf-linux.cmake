# 32 bits, little-endian: what is said of the size of longs, pointers and size_t is seen here.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(TERN_TRIPLET arm-linux-gnueabihf)
set(TERN_QEMU qemu-arm)
include("${CMAKE_CURRENT_LIST_DIR}/TernCross.cmake")
