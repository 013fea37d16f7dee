/* What every fuzz target shares: reading an input, failing, mutating.
 *
 * A target is one file, NAME_fuzz.c, with LLVMFuzzerTestOneInput(). It runs under libFuzzer (the fuzz preset), under
 * AFL++ (afl-clang-fast links its own driver), and by driver.c with any compiler, which replays corpus/NAME/ and then
 * mutates it by a seed: so each corpus is a regression test. Input past its end reads as zeros, so that every byte
 * string is an input and its beginning means the same whatever follows.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Where a target has one of its own. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* What a target wants to say at the end of a run of driver.c: counts of what was reached. False: something that its
 * inputs must reach was not. */
bool fuzz_report(void);

/* Says what is wrong and aborts: the input is then a finding. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- reading an input ---- */

struct fuzz_in {
	const uint8_t *at;
	size_t	       n; /* left */
};

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->at++;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
	const unsigned high = fuzz_u8(in);

	return (uint16_t)(high << 8 | fuzz_u8(in));
}

static inline uint32_t fuzz_u32(struct fuzz_in *in)
{
	const uint32_t high = fuzz_u16(in);

	return high << 16 | fuzz_u16(in);
}

/* At most n bytes, where they lie. */
static inline const uint8_t *fuzz_take(struct fuzz_in *in, size_t n, size_t *got)
{
	const uint8_t *const at = in->at;

	*got = n < in->n ? n : in->n;
	in->at += *got;
	in->n -= *got;
	return at;
}

/* ---- mutating ---- */

/* Bytes without a structure. Returns the new size, at most max. */
size_t fuzz_mutate_bytes(uint8_t *data, size_t size, size_t max, uint64_t seed);
/* `head` bytes and then records of `record` bytes each: records are inserted, repeated, moved, taken out, put together
 * from others, and their fields changed, so that what follows keeps its meaning. */
size_t fuzz_mutate_records(uint8_t *data, size_t size, size_t max, size_t head, size_t record, uint64_t seed);

#endif
