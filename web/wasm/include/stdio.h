/* As much of it as what is compiled to WebAssembly names. Only vsnprintf() is there (libc.c); what writes to a FILE
 * is not linked. */
#ifndef WASM_STDIO_H
#define WASM_STDIO_H

#include <stdarg.h>
#include <stddef.h>

typedef struct wasm_file FILE;

int    vsnprintf(char *to, size_t size, const char *format, va_list args);
int    fprintf(FILE *to, const char *format, ...);
int    fputs(const char *string, FILE *to);
size_t fwrite(const void *from, size_t size, size_t n, FILE *to);

#endif
