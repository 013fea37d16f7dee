/* What of a C library the playground needs where there is none: memory, and text into a buffer.
 *
 * The heap is pages of 64 KiB. A page holds blocks of one size, a power of two, so that a block is aligned to its
 * size and its page tells the size; from 64 KiB on a block is a run of pages. Free blocks of a size are a list.
 * Memory is never given back to the browser: a page that is reloaded is.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes: instructions of WebAssembly's bulk memory ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	return __builtin_memcpy(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
	return __builtin_memmove(to, from, n);
}

void *memset(void *at, int byte, size_t n)
{
	return __builtin_memset(at, byte, n);
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *string)
{
	size_t n = 0;

	while (string[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

/* ---- memory ---- */

enum { PAGE_BITS = 16, PAGE = 1 << PAGE_BITS, PAGES = 4096, SMALLEST = 4, CLASSES = 29 };

struct free_block {
	struct free_block *next;
};

extern unsigned char __heap_base; /* the linker's */

static struct {
	struct free_block *free[CLASSES];
	uint8_t		   class_of[PAGES];
	uintptr_t	   end; /* of what is in use, whole pages; 0: not begun */
} heap;

static unsigned class_for(size_t size)
{
	unsigned c = SMALLEST;

	while (c < CLASSES && ((size_t)1 << c) < size)
		c++;
	return c;
}

/* n pages behind the last; NULL: there are no more. */
static char *more_pages(size_t n)
{
	if (!heap.end)
		heap.end = ((uintptr_t)&__heap_base + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	const size_t have = __builtin_wasm_memory_size(0), need = heap.end / PAGE + n;
	if (need > PAGES || (need > have && __builtin_wasm_memory_grow(0, need - have) == SIZE_MAX))
		return NULL;
	char *const at = (char *)heap.end;
	heap.end += n * PAGE;
	return at;
}

static bool refill(unsigned c)
{
	const size_t size = (size_t)1 << c;
	char *const at = more_pages(size <= PAGE ? 1 : size / PAGE);

	if (!at)
		return false;
	heap.class_of[(uintptr_t)at / PAGE] = (uint8_t)c;
	size_t offset = size < PAGE ? PAGE - size : 0;
	for (;; offset -= size) {
		struct free_block *const block = (struct free_block *)(at + offset);
		block->next = heap.free[c];
		heap.free[c] = block;
		if (offset == 0)
			return true;
	}
}

void *malloc(size_t size)
{
	const unsigned c = class_for(size);

	if (c >= CLASSES || (!heap.free[c] && !refill(c)))
		return NULL;
	struct free_block *const block = heap.free[c];
	heap.free[c] = block->next;
	return block;
}

/* Up to a page: every caller's. */
void *aligned_alloc(size_t align, size_t size)
{
	return align > PAGE ? NULL : malloc(size > align ? size : align);
}

static unsigned class_at(const void *block)
{
	return heap.class_of[(uintptr_t)block / PAGE];
}

void free(void *at)
{
	struct free_block *const block = at;

	if (!block)
		return;
	const unsigned c = class_at(block);
	block->next = heap.free[c];
	heap.free[c] = block;
}

void *calloc(size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	void *const at = malloc(n * size);
	return at ? memset(at, 0, n * size) : NULL;
}

void *realloc(void *at, size_t size)
{
	if (!at)
		return malloc(size);
	const size_t had = (size_t)1 << class_at(at);
	if (size <= had)
		return at;
	void *const to = malloc(size);
	if (!to)
		return NULL;
	memcpy(to, at, had);
	free(at);
	return to;
}

/* ---- text ---- */

struct out {
	char  *to;
	size_t size, n;
};

static void put(struct out *out, char c)
{
	if (out->n + 1 < out->size)
		out->to[out->n] = c;
	out->n++;
}

static void put_digits(struct out *out, uint64_t n, unsigned base, unsigned width, char pad)
{
	char digits[20];
	unsigned i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	for (unsigned k = i; k < width; k++)
		put(out, pad);
	while (i)
		put(out, digits[--i]);
}

static void put_string(struct out *out, const char *string)
{
	while (*string)
		put(out, *string++);
}

/* %c %s %d %i %u %x %%, with l, ll and z, and a width for numbers: what the rooms that are linked use. Anything
 * else traps, since it would come out different from elsewhere. */
static const char *put_one(struct out *out, const char *format, va_list *args)
{
	char pad = ' ';
	unsigned width = 0, longs = 0;

	if (*format == '0')
		pad = *format++;
	for (; *format >= '0' && *format <= '9'; format++)
		width = width * 10 + (unsigned)(*format - '0');
	for (; *format == 'l'; format++)
		longs++;
	if (*format == 'z')
		format++;
	switch (*format++) {
	case '%': put(out, '%'); break;
	case 'c': put(out, (char)va_arg(*args, int)); break;
	case 's': put_string(out, va_arg(*args, const char *)); break;
	case 'u': put_digits(out, longs > 1 ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t), 10, width, pad); break;
	case 'x': put_digits(out, longs > 1 ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t), 16, width, pad); break;
	case 'i':
	case 'd': {
		const int64_t n = longs > 1 ? va_arg(*args, int64_t) : va_arg(*args, int32_t);
		if (n < 0)
			put(out, '-');
		put_digits(out, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 10, width, pad);
		break;
	}
	default: __builtin_trap();
	}
	return format;
}

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	struct out out = { to, size, 0 };
	va_list	   copy;

	va_copy(copy, args);
	while (*format) {
		if (*format != '%')
			put(&out, *format++);
		else
			format = put_one(&out, format + 1, &copy);
	}
	va_end(copy);
	if (size)
		to[out.n < size ? out.n : size - 1] = 0;
	return (int)out.n;
}
