#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/siphash.h"

/* The key 00 01 … 0f and inputs "", 00, 00 01, … of the authors' reference implementation. */
static const struct siphash_key reference_key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

/* The first 16 of the authors' vectors_sip64, as 64-bit numbers. */
static const uint64_t reference_24[] = {
	0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du,
	0xcf2794e0277187b7u, 0x18765564cd99a68du, 0xcbc9466e58fee3ceu, 0xab0200f58b01d137u,
	0x93f5f5799a932462u, 0x9e0082df0ba9e4b0u, 0x7a5dbbc594ddb9f3u, 0xf4b32f46226bada7u,
	0x751e8fbc860ee5fbu, 0x14ea5627c0843d90u, 0xf723ca908e7af2eeu, 0xa129ca6149be45e5u,
};

/* SipHash-1-3 of the same inputs, from the test vectors of Rust's standard library. */
static const uint64_t reference_13[] = {
	0xabac0158050fc4dcu, 0xc9f49bf37d57ca93u, 0x82cb9b024dc7d44du, 0x8bf80ab8e7ddf7fbu,
	0xcf75576088d38328u, 0xdef9d52f49533b67u, 0xc50d2b50c59f22a7u, 0xd3927d989bb11140u,
	0x369095118d299a8eu, 0x25a48eb36c063de4u, 0x79de85ee92ff097fu, 0x70c118c1f94dc352u,
	0x78a384b157b4d9a2u, 0x306f760c1229ffa7u, 0x605aa111c0f95d34u, 0xd320d86d2a519956u,
};

static void agrees_with_the_reference(void **state)
{
	uint8_t in[16];

	(void)state;
	for (uint8_t n = 0; n < 16; n++) {
		in[n] = n;
		assert_true(siphash24(&reference_key, in, n) == reference_24[n]);
		assert_true(siphash13(&reference_key, in, n) == reference_13[n]);
	}
	assert_true(siphash13_12(&reference_key, 0x0706050403020100u, 0x0b0a0908u) == reference_13[12]);
	assert_true(siphash24_12(&reference_key, 0x0706050403020100u, 0x0b0a0908u) == reference_24[12]);
}

static void alignment_does_not_matter(void **state)
{
	uint8_t at[64];

	(void)state;
	for (size_t skew = 0; skew < 8; skew++) {
		for (uint8_t i = 0; i < 15; i++)
			at[skew + i] = i;
		assert_true(siphash24(&reference_key, at + skew, 15) == reference_24[15]);
	}
}

/* The first three numbers of splitmix64 from 1234567 (Vigna's code). */
static void splitmix_gives_its_known_stream(void **state)
{
	uint64_t seed = 1234567;

	(void)state;
	assert_true(splitmix64(&seed) == 6457827717110365317u);
	assert_true(splitmix64(&seed) == 3203168211198807973u);
	assert_true(splitmix64(&seed) == 9817491932198370423u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_reference),
		cmocka_unit_test(alignment_does_not_matter),
		cmocka_unit_test(splitmix_gives_its_known_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
