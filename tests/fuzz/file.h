/* Bytes as a file that has a path, for what is asked to open one. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stddef.h>

/* The path of a file that holds these bytes, until the next call. */
const char *fuzz_file(const void *bytes, size_t n);

#endif
