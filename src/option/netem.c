/* The words for a bad link. */
#include "option/netem.h"
#include "option/units.h"
#include <string.h>

const struct option_word netem_words[NETEM_WORDS] = {
	{ "delay", "TIME", "hold each packet for as long, one way, such as 40ms", NETEM_DELAY },
	{ "jitter", "TIME", "delay varies by as much, without reordering", NETEM_JITTER },
	{ "loss", "SHARE", "of the packets, such as 3%, each by itself", NETEM_LOSS },
	{ "burst", "ENTER,LEAVE[,LOSS]", "Gilbert-Elliott: into and out of a state that loses LOSS (100%)",
	  NETEM_BURST },
	{ "rate", "RATE", "the bottleneck, such as 10mbit", NETEM_RATE },
	{ "limit", "N", "packets that may wait for it; the rest is dropped (1000)", NETEM_LIMIT },
	{ "limit-bytes", "BYTES", "their bytes, such as 250000 or 256k (no such limit)", NETEM_LIMIT_BYTES },
	{ "reorder", "SHARE", "that is held back and overtaken", NETEM_REORDER },
	{ "reorder-by", "N", "by as many packets (3)", NETEM_REORDER_BY },
	{ "reorder-delay", "TIME", "where fewer follow, by this time at most (10ms)", NETEM_REORDER_DELAY },
	{ "duplicate", "SHARE", "that arrives twice", NETEM_DUPLICATE },
	{ "corrupt", "SHARE", "that arrives with a bit flipped", NETEM_CORRUPT },
	{ "ce-threshold", "TIME", "mark what waits longer for --rate, where ECN-capable", NETEM_CE_THRESHOLD },
	{ "ecn", NULL, "mark what --loss and --burst would take, where ECN-capable", NETEM_ECN },
};

static bool take_share(const struct option_line *line, const struct option_word *word, const char *value, double *to)
{
	return units_share(value, to) || line_not(line, word, value, "a share from 0% to 100%, such as 3%");
}

static bool take_count(const struct option_line *line, const struct option_word *word, const char *value, uint32_t *to)
{
	return line_u32(line, word, value, 1, 1 << 24, to);
}

/* "1%,30%" or "1%,30%,80%" */
static bool take_burst(const struct option_line *line, const struct option_word *word, const char *value,
		       struct tern_impair *impair)
{
	double share[3] = { 0, 0, 1 };
	unsigned n = 0;
	const size_t length = strlen(value);
	char words[64], *rest = words;

	if (length < sizeof words) {
		memcpy(words, value, length + 1);
		for (char *each; (each = strsep(&rest, ",")) != NULL; n++)
			if (n == 3 || !units_share(each, &share[n]))
				n = 3;
	}
	if (n != 2 && n != 3)
		return line_not(line, word, value, "two or three shares, such as 1%,30%");
	impair->burst_enter = share[0];
	impair->burst_leave = share[1];
	impair->burst_loss = share[2];
	return true;
}

static bool take_limit_bytes(const struct option_line *line, const struct option_word *word, const char *value,
			     struct tern_impair *impair)
{
	uint64_t bytes;

	if (!line_bytes(line, word, value, 1, UINT32_MAX, &bytes))
		return false;
	impair->limit_bytes = (uint32_t)bytes;
	return true;
}

bool netem_take(const struct option_line *line, const struct option_word *word, const char *value,
		struct tern_impair *impair)
{
	switch ((enum netem_word)word->id) {
	case NETEM_DELAY: return line_time(line, word, value, &impair->delay);
	case NETEM_JITTER: return line_time(line, word, value, &impair->jitter);
	case NETEM_LOSS: return take_share(line, word, value, &impair->loss);
	case NETEM_BURST: return take_burst(line, word, value, impair);
	case NETEM_LIMIT: return take_count(line, word, value, &impair->limit);
	case NETEM_LIMIT_BYTES: return take_limit_bytes(line, word, value, impair);
	case NETEM_REORDER: return take_share(line, word, value, &impair->reorder);
	case NETEM_REORDER_BY: return take_count(line, word, value, &impair->reorder_by);
	case NETEM_REORDER_DELAY: return line_time(line, word, value, &impair->reorder_delay);
	case NETEM_DUPLICATE: return take_share(line, word, value, &impair->duplicate);
	case NETEM_CORRUPT: return take_share(line, word, value, &impair->corrupt);
	case NETEM_CE_THRESHOLD: return line_time(line, word, value, &impair->ce_threshold);
	case NETEM_ECN: impair->ecn = true; return true;
	case NETEM_RATE:
		return units_rate(value, &impair->rate) ||
		       line_not(line, word, value, "a rate of at least 8bit, such as 10mbit");
	case NETEM_END: break;
	}
	return line_wrong(line, "--%s is not understood", word->name);
}
