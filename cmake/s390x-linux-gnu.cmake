# Big-endian, 64 bits, traps on nothing: what is said of byte order is seen here.
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(TERN_TRIPLET s390x-linux-gnu)
set(TERN_QEMU qemu-s390x)
include("${CMAKE_CURRENT_LIST_DIR}/TernCross.cmake")
