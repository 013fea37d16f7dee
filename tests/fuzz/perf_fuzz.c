/* What a peer of tern perf says: parameters, results, and the JSON that they are. First byte: which of them. */
#include "fuzz/fuzz.h"

#include "perf/perf.h"

#include <stdlib.h>
#include <string.h>

static void check_piece(struct json_piece text, struct json_piece piece)
{
	if (piece.n > 0 && (piece.at < text.at || piece.at + piece.n > text.at + text.n))
		fuzz_fail("a piece of %zu bytes is not of the text", piece.n);
}

static void walk(struct json_piece text)
{
	struct json_piece rest = json_member(text, "streams"), value;
	char		  word[16];
	unsigned	  n = 0;

	check_piece(text, rest);
	while (json_next(&rest, &value)) {
		check_piece(text, value);
		check_piece(text, rest);
		check_piece(text, json_member(value, "id"));
		(void)json_to_text(json_member(value, "id"), word, sizeof word);
		(void)json_to_number(json_member(value, "bytes"), 0);
		if (++n > text.n)
			fuzz_fail("more values than bytes");
	}
}

static void check_test(const struct perf_test *test)
{
	if (test->parallel < 1 || test->parallel > PERF_PARALLEL || test->block < 1 || test->block > PERF_BLOCK_MOST ||
	    (test->reverse && test->bidirectional))
		fuzz_fail("%u streams of %u bytes", test->parallel, test->block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct perf perf;
	struct fuzz_in	   in = { data, size };
	const unsigned	   which = fuzz_u8(&in) % 3;
	char *const	   copy = malloc(in.n + 1); /* exact, so that a sanitizer sees what is read beyond it */

	if (copy == NULL)
		return 0;
	memcpy(copy, in.at, in.n);
	const struct json_piece text = { copy, in.n };
	perf.n_streams = 4;
	for (unsigned i = 0; i < perf.n_streams; i++)
		perf.stream[i] = (struct perf_stream){ .id = i == 0 ? 1 : i + 2 };
	if (which == 0)
		walk(text);
	else if (which == 1)
		(void)perf_take_results(&perf, text);
	else if (perf_take_parameters(&perf, text))
		check_test(&perf.test);
	free(copy);
	return 0;
}
