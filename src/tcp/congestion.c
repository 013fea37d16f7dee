#include "tcp/congestion.h"
#include "base/bytes.h"

static const struct cc_ops *const controllers[] = { &cc_reno };

const struct cc_ops *cc_at(int number)
{
	const int n = (int)(sizeof controllers / sizeof *controllers);

	return number >= 0 && number < n ? controllers[number] : NULL;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int cc_by_name(const char *name)
{
	for (int i = 0; cc_at(i); i++)
		if (same_name(cc_at(i)->name, name))
			return i;
	return -TERN_ENOENT;
}

uint32_t cc_initial_window(uint32_t mss, uint32_t segments)
{
	/* RFC 6928 2 bounds the bytes by 1,460 a segment, so that jumbo segments do not burst. */
	return min_u32(segments * mss, max_u32(2 * mss, segments * 1460));
}
