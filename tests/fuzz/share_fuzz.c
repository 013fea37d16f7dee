/* The text behind the # of a playground's link: what somebody was sent. Whatever it is, it is read within its bounds or
 * refused with a place in it; what was read is written as text that is read as the same, and no other text. */
#include "fuzz/fuzz.h"

#include "play/share.h"

#include <stdlib.h>
#include <string.h>

static void check_bounds(const struct play_share *share)
{
	tern_time before = 0;

	if (share->n > PLAY_ACTIONS || share->seed >= UINT64_C(1) << 53 || (share->ip != 4 && share->ip != 6) ||
	    share->mtu < 576 || share->mtu > 9000 || share->sack > 1 || share->ts > 1 || share->ecn > 2)
		fuzz_fail("%zu actions, seed %llu, MTU %u", share->n, (unsigned long long)share->seed, share->mtu);
	for (size_t i = 0; i < share->n; i++) {
		const struct play_action *const action = &share->actions[i];

		if (action->at < before || action->at > PLAY_LONGEST || action->who > PLAY_BOTH ||
		    action->verb <= PLAY_NOTHING || action->verb >= PLAY_VERBS ||
		    (action->verb == PLAY_CC && action->n >= PLAY_CONTROLLERS))
			fuzz_fail("action %zu: verb %d of %u at %lld", i, (int)action->verb, action->who,
				  (long long)action->at);
		before = action->at;
	}
}

static void check_again(const struct play_share *share)
{
	static struct play_share again;
	static char		 text[PLAY_TEXT], second[PLAY_TEXT];
	const size_t		 n = play_share_write(share, text);
	size_t			 at = 0;
	const char *const	 wrong = n < sizeof text ? play_share_read(&again, text, n, &at) : "too long";

	if (wrong || text[n] != '\0')
		fuzz_fail("%s at %zu of what was written: %.200s", wrong ? wrong : "no end", at, text);
	if (play_share_write(&again, second) != n || memcmp(text, second, n) != 0)
		fuzz_fail("written again it is another: %.200s, %.200s", text, second);
}

/* Each byte a word of the language, so that much of what is tried is a run, or nearly one. */
static size_t in_words(const uint8_t *data, size_t size, char *to, size_t room)
{
	static const char *const words[] = {
		"tern1", "#", ",seed=", ",ip=", ",mtu=", ",sack=", ",ts=", ",ecn=", ",buffer=",
		",msl=", ",to=", ",sum=", ",", ".c.", ".s.", ".w.", "listen.", "open", "send.",
		"read.", "shutdown", "close", "abort", "cc.", "cubic", "bbr", "reno", "delay.",
		"loss.", "rate.", "limit.", "drop.", "hold.", "0", "1", "4", "6", "7", "9", "00",
		"0000", "999", "9007199", "2547", "40", "12", ".", "release.", "jitter.", "duplicate.",
		"corrupt.", "reorder.", "nodelay.", "dctcp",
	};
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		const char *const word = words[data[i] % (sizeof words / sizeof *words)];
		const size_t	  length = strlen(word);

		if (n + length > room)
			break;
		memcpy(to + n, word, length);
		n += length;
	}
	return n;
}

/* The first byte: whether the rest is text or words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play_share share;
	static char		 said[4096];
	struct play_action	 action;
	struct fuzz_in		 in = { data, size };
	const bool		 is_words = fuzz_u8(&in) % 2 == 1;
	const char *const	 from = is_words ? said : (const char *)in.at;
	size_t			 at = 0;

	size = is_words ? in_words(in.at, in.n, said, sizeof said) : in.n;
	char *const copy = malloc(size + 1); /* exact, so that a sanitizer sees what is read beyond it */
	if (copy == NULL)
		return 0;
	memcpy(copy, from, size);
	const char *const wrong = play_share_read(&share, copy, size, &at);

	if (wrong && (at > size || *wrong == '\0'))
		fuzz_fail("wrong at %zu of %zu: %s", at, size, wrong);
	if (!wrong) {
		check_bounds(&share);
		check_again(&share);
	}
	if (play_action_read(&action, copy, size) == NULL && (action.verb <= PLAY_NOTHING || action.verb >= PLAY_VERBS))
		fuzz_fail("an action without a verb");
	free(copy);
	return 0;
}
