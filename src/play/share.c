/* Every word that a share may hold stands in one of two tables, with its bounds; both ways go by them. */
#include "play/share.h"

#include "base/bytes.h"
#include "play/path.h"

#define PLAY_SEEDS ((UINT64_C(1) << 53) - 1)

const char *const play_controllers[PLAY_CONTROLLERS] = { "cubic", "reno", "bbr", "dctcp", "prague" };

enum whom { AN_END, THE_WAY, EITHER };

static const struct word {
	const char *name;
	enum whom   whom;
	bool	    has_number, has_name;
	uint64_t    low, high;
} verbs[PLAY_VERBS] = {
	[PLAY_NOTHING] = { .name = "?" },
	[PLAY_LISTEN] = { "listen", AN_END, true, false, 0, 1 },
	[PLAY_OPEN] = { "open", AN_END, false, false, 0, 0 },
	[PLAY_SEND] = { "send", AN_END, true, false, 1, 1 << 24 },
	[PLAY_READ] = { "read", AN_END, true, false, 0, 1 },
	[PLAY_SHUTDOWN] = { "shutdown", AN_END, false, false, 0, 0 },
	[PLAY_CLOSE] = { "close", AN_END, false, false, 0, 0 },
	[PLAY_ABORT] = { "abort", AN_END, false, false, 0, 0 },
	[PLAY_CC] = { "cc", EITHER, false, true, 0, 0 },
	[PLAY_NODELAY] = { "nodelay", EITHER, true, false, 0, 1 },
	[PLAY_DELAY] = { "delay", EITHER, true, false, 0, 10000000 },
	[PLAY_JITTER] = { "jitter", EITHER, true, false, 0, 10000000 },
	[PLAY_LOSS] = { "loss", EITHER, true, false, 0, PATH_SHARE },
	[PLAY_DUPLICATE] = { "duplicate", EITHER, true, false, 0, PATH_SHARE },
	[PLAY_CORRUPT] = { "corrupt", EITHER, true, false, 0, PATH_SHARE },
	[PLAY_REORDER] = { "reorder", EITHER, true, false, 0, PATH_SHARE },
	[PLAY_RATE] = { "rate", EITHER, true, false, 0, UINT64_C(10000000000) },
	[PLAY_LIMIT] = { "limit", EITHER, true, false, 1, PATH_LIMIT },
	[PLAY_DROP] = { "drop", THE_WAY, true, false, 1, UINT32_MAX },
	[PLAY_HOLD] = { "hold", THE_WAY, true, false, 1, UINT32_MAX },
	[PLAY_RELEASE] = { "release", THE_WAY, true, false, 1, UINT32_MAX },
};

static const struct setting {
	const char *name;
	size_t	    offset;
	uint32_t    low, high, usual;
} settings[] = {
	{ "ip", offsetof(struct play_share, ip), 4, 6, 4 },
	{ "mtu", offsetof(struct play_share, mtu), 576, 9000, 1500 },
	{ "sack", offsetof(struct play_share, sack), 0, 1, 1 },
	{ "ts", offsetof(struct play_share, ts), 0, 1, 1 },
	{ "ecn", offsetof(struct play_share, ecn), 0, 2, 0 },
	{ "buffer", offsetof(struct play_share, buffer), 1000, 1 << 22, 0 },
	{ "msl", offsetof(struct play_share, msl), 1, 240, 30 },
};

enum { SETTINGS = sizeof settings / sizeof *settings };

static uint32_t *setting_of(struct play_share *share, size_t i)
{
	return (uint32_t *)((char *)share + settings[i].offset);
}

const char *play_verb_name(enum play_verb verb)
{
	return (unsigned)verb < PLAY_VERBS ? verbs[verb].name : "?";
}

void play_share_default(struct play_share *share)
{
	memset(share, 0, offsetof(struct play_share, actions));
	share->seed = 1;
	for (size_t i = 0; i < SETTINGS; i++)
		*setting_of(share, i) = settings[i].usual;
}

/* ---- words ---- */

struct reader {
	const char *at, *end;
};

static size_t length(const char *string)
{
	size_t n = 0;

	while (string[n])
		n++;
	return n;
}

static bool is_at(const struct reader *in, char c)
{
	return in->at < in->end && *in->at == c;
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* The word as a whole: where it ends with a letter, none follows. */
static bool take_word(struct reader *in, const char *word)
{
	const size_t n = length(word);
	const size_t there = (size_t)(in->end - in->at);

	if (there < n || memcmp(in->at, word, n) != 0)
		return false;
	if (there > n && is_letter(word[n - 1]) && is_letter(in->at[n]))
		return false;
	in->at += n;
	return true;
}

static bool take_number(struct reader *in, uint64_t low, uint64_t high, uint64_t *to)
{
	const char *const first = in->at;
	uint64_t n = 0;

	for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
		const uint64_t digit = (uint64_t)(*in->at - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*to = n;
	return in->at > first && n >= low && n <= high;
}

/* All sixteen of them. */
static bool take_hex(struct reader *in, uint64_t *to)
{
	*to = 0;
	for (unsigned i = 0; i < 16; i++, in->at++) {
		if (in->at == in->end)
			return false;
		const char c = *in->at;
		if (c >= '0' && c <= '9')
			*to = *to << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*to = *to << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* ---- reading ---- */

static const char *read_argument(struct reader *in, struct play_action *action)
{
	const struct word *const word = &verbs[action->verb];

	if (!word->has_number && !word->has_name)
		return NULL;
	if (!is_at(in, '.'))
		return "the action wants an argument";
	in->at++;
	if (word->has_number)
		return take_number(in, word->low, word->high, &action->n) ? NULL : "the argument is out of its range";
	for (action->n = 0; action->n < PLAY_CONTROLLERS; action->n++)
		if (take_word(in, play_controllers[action->n]))
			return NULL;
	return "no such congestion control";
}

static const char *read_action(struct reader *in, struct play_action *action)
{
	static const char who[] = "csw";

	for (action->who = 0; action->who <= PLAY_BOTH; action->who++)
		if (is_at(in, who[action->who]))
			break;
	if (action->who > PLAY_BOTH)
		return "neither c, s nor w";
	in->at++;
	if (!is_at(in, '.'))
		return "a '.' is missing";
	in->at++;
	action->n = 0;
	for (action->verb = PLAY_NOTHING + 1; action->verb < PLAY_VERBS; action->verb++)
		if (take_word(in, verbs[action->verb].name))
			break;
	if (action->verb == PLAY_VERBS)
		return "no such action";
	const enum whom whom = verbs[action->verb].whom;
	if ((whom == AN_END && action->who == PLAY_BOTH) || (whom == THE_WAY && action->who != PLAY_BOTH))
		return "not an action of that end";
	return read_argument(in, action);
}

const char *play_action_read(struct play_action *action, const char *text, size_t n)
{
	struct reader in = { text, text + n };
	const char *const wrong = read_action(&in, action);

	action->at = 0;
	return wrong ? wrong : in.at < in.end ? "something follows the action" : NULL;
}

static const char *read_timed(struct reader *in, struct play_share *share)
{
	uint64_t micro;

	if (share->n == PLAY_ACTIONS)
		return "too many actions";
	if (!take_number(in, 0, PLAY_LONGEST / TERN_MICROSECOND, &micro))
		return "no time of an action";
	if (!is_at(in, '.'))
		return "a '.' is missing";
	in->at++;
	struct play_action *const action = &share->actions[share->n];
	action->at = (tern_time)micro * TERN_MICROSECOND;
	if (share->n > 0 && action->at < action[-1].at)
		return "times fall";
	share->n++;
	return read_action(in, action);
}

static const char *read_end(struct reader *in, struct play_share *share, bool *is_one)
{
	uint64_t n;

	*is_one = true;
	if (take_word(in, "to=")) {
		if (share->has_to || !take_number(in, 0, PLAY_LONGEST / TERN_MICROSECOND, &n))
			return "to: no time, or twice";
		share->to = (tern_time)n * TERN_MICROSECOND;
		share->has_to = true;
		if (share->n > 0 && share->to < share->actions[share->n - 1].at)
			return "to: before the last action";
		return NULL;
	}
	if (take_word(in, "sum=")) {
		if (!share->has_to || share->has_sum || !take_hex(in, &share->sum))
			return "sum: not sixteen digits behind to, or twice";
		share->has_sum = true;
		return NULL;
	}
	*is_one = false;
	return NULL;
}

static const char *read_setting(struct reader *in, struct play_share *share)
{
	uint64_t n;
	bool is_end;
	const char *const wrong = read_end(in, share, &is_end);

	if (wrong || is_end)
		return wrong;
	if (share->n > 0)
		return "a setting behind an action";
	if (take_word(in, "seed="))
		return take_number(in, 0, PLAY_SEEDS, &share->seed) ? NULL : "seed: out of its range";
	for (size_t i = 0; i < SETTINGS; i++) {
		const char *const from = in->at;
		if (!take_word(in, settings[i].name))
			continue;
		if (is_at(in, '=')) {
			in->at++;
			if (!take_number(in, settings[i].low, settings[i].high, &n))
				return "a setting out of its range";
			*setting_of(share, i) = (uint32_t)n;
			return NULL;
		}
		in->at = from;
	}
	return "no such setting";
}

static const char *read_item(struct reader *in, struct play_share *share)
{
	if (share->has_to && !(in->end - in->at > 4 && memcmp(in->at, "sum=", 4) == 0))
		return "something follows the end";
	if (in->at < in->end && *in->at >= '0' && *in->at <= '9')
		return read_timed(in, share);
	return read_setting(in, share);
}

static const char *read_all(struct reader *in, struct play_share *share)
{
	static const char first[] = "tern1";

	if (in->end - in->at < 5 || memcmp(in->at, first, 5) != 0)
		return "it does not begin with tern1";
	in->at += 5;
	while (in->at < in->end) {
		if (!is_at(in, ','))
			return "a ',' is missing";
		in->at++;
		const char *const wrong = read_item(in, share);
		if (wrong)
			return wrong;
	}
	if (share->ip == 5)
		return "ip: neither 4 nor 6";
	return share->ip == 6 && share->mtu < 1280 ? "mtu: IPv6 wants at least 1280" : NULL;
}

const char *play_share_read(struct play_share *share, const char *text, size_t n, size_t *at)
{
	struct reader in = { text, text + n };

	play_share_default(share);
	*at = 0;
	for (const char *p = text; p < text + n; p++)
		if (*p == '#')
			in.at = p + 1;
	while (in.end > in.at && (in.end[-1] == '\n' || in.end[-1] == '\r' || in.end[-1] == ' '))
		in.end--;
	if (in.end - in.at >= PLAY_TEXT)
		return "longer than any share";
	const char *const wrong = read_all(&in, share);
	*at = (size_t)(in.at - text);
	return wrong;
}

/* ---- writing ---- */

struct writer {
	char  *to;
	size_t n;
};

static void put(struct writer *out, const char *string)
{
	const size_t n = min_size(length(string), PLAY_TEXT - 1 - out->n);

	memcpy(out->to + out->n, string, n);
	out->n += n;
	out->to[out->n] = 0;
}

static void put_number(struct writer *out, const char *before, uint64_t n)
{
	char digits[21] = { 0 };
	size_t i = sizeof digits - 1;

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	put(out, before);
	put(out, digits + i);
}

static void put_action(struct writer *out, const struct play_action *action)
{
	static const char *const who[] = { ".c.", ".s.", ".w." };
	const struct word *const word = &verbs[action->verb];

	put_number(out, ",", (uint64_t)(action->at / TERN_MICROSECOND));
	put(out, who[action->who]);
	put(out, word->name);
	if (word->has_number)
		put_number(out, ".", action->n);
	if (word->has_name) {
		put(out, ".");
		put(out, play_controllers[action->n]);
	}
}

size_t play_share_write(const struct play_share *share, char to[PLAY_TEXT])
{
	struct writer out = { to, 0 };

	put(&out, "tern1");
	put_number(&out, ",seed=", share->seed);
	for (size_t i = 0; i < SETTINGS; i++) {
		const uint32_t value = *(const uint32_t *)((const char *)share + settings[i].offset);
		if (value == settings[i].usual)
			continue;
		put(&out, ",");
		put(&out, settings[i].name);
		put_number(&out, "=", value);
	}
	for (size_t i = 0; i < share->n; i++)
		put_action(&out, &share->actions[i]);
	if (share->has_to)
		put_number(&out, ",to=", (uint64_t)(share->to / TERN_MICROSECOND));
	if (share->has_sum) {
		char digits[17] = { 0 };
		for (unsigned i = 0; i < 16; i++)
			digits[i] = "0123456789abcdef"[share->sum >> (60 - 4 * i) & 15];
		put(&out, ",sum=");
		put(&out, digits);
	}
	return out.n;
}
