#include <tern/link.h>

/* Part of the JSON lines: the names stay as they are. */
const char *tern_fate_name(enum tern_fate fate)
{
	static const char *const names[] = {
		[TERN_FATE_DELIVERED] = "delivered",
		[TERN_FATE_LOST] = "lost",
		[TERN_FATE_DROPPED] = "dropped",
		[TERN_FATE_QUEUE_FULL] = "queue-full",
		[TERN_FATE_DUPLICATED] = "duplicated",
		[TERN_FATE_CORRUPTED] = "corrupted",
		[TERN_FATE_REORDERED] = "reordered",
		[TERN_FATE_MARKED] = "marked",
		[TERN_FATE_TOO_BIG] = "too-big",
	};

	return (unsigned)fate < sizeof names / sizeof *names ? names[fate] : "?";
}
