/* tern report: zlib's deflate, which every browser undoes (DecompressionStream). */
#include "tool/report.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

int report_deflate(const char *from, size_t n, unsigned char **to, size_t *to_n)
{
	if (n > ULONG_MAX / 2)
		return -TERN_ENOMEM;
	uLongf		     length = compressBound((uLong)n);
	unsigned char *const made = malloc(length);

	if (!made)
		return -TERN_ENOMEM;
	if (compress2(made, &length, (const Bytef *)from, (uLong)n, Z_DEFAULT_COMPRESSION) != Z_OK) {
		free(made);
		return -TERN_ENOMEM;
	}
	*to = made;
	*to_n = length;
	return 0;
}
