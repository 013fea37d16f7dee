/* tern report, built without zlib: pages hold their events as they are. */
#include "tool/report.h"

int report_deflate(const char *from, size_t n, unsigned char **to, size_t *to_n)
{
	(void)from;
	(void)n;
	(void)to;
	(void)to_n;
	return -TERN_EOPNOTSUPP;
}
