#ifndef WASM_STRING_H
#define WASM_STRING_H

#include <stddef.h>

void  *memcpy(void *restrict to, const void *restrict from, size_t n);
void  *memmove(void *to, const void *from, size_t n);
void  *memset(void *at, int byte, size_t n);
int    memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *string);
int    strcmp(const char *a, const char *b);

#endif
