/* Recordings: the file format, and the replay of whatever it says. First byte: bit 0, the sum of each record is made
 * right first. A replay differs from a forged recording, as a rule; it may not crash, and it says why it ends.
 */
#include "fuzz/fuzz.h"
#include "fuzz/file.h"

#include "base/bytes.h"
#include "record/format.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEAD = RECORD_MAGIC + 8, FILE_MOST = 1 << 16 };

static uint64_t inputs, packets, identical, refused;

bool fuzz_report(void)
{
	printf("%llu inputs fed, %llu packets compared; %llu replays identical, %llu refused\n",
	       (unsigned long long)inputs, (unsigned long long)packets, (unsigned long long)identical,
	       (unsigned long long)refused);
	return true;
}

static uint32_t little32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void make_sums_right(uint8_t *p, size_t n)
{
	if (n < HEAD || little32(p + RECORD_MAGIC + 4) > n - HEAD)
		return;
	for (size_t at = HEAD + little32(p + RECORD_MAGIC + 4); n - at >= 8;) {
		const size_t body = little32(p + at);

		if (body > n - at - 8)
			return;
		const uint32_t sum = record_crc(p + at + 8, body);
		for (unsigned i = 0; i < 4; i++)
			p[at + 4 + i] = (uint8_t)(sum >> 8 * i);
		at += 8 + body;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t		  file[FILE_MOST];
	struct fuzz_in		  in = { data, size };
	struct tern_replay_result result;
	const uint8_t		  how = fuzz_u8(&in);
	size_t			  n;
	const uint8_t *const	  at = fuzz_take(&in, FILE_MOST, &n);

	memcpy(file, at, n);
	if (how & 1)
		make_sums_right(file, n);
	const int error = tern_replay(fuzz_file(file, n), NULL, &result);
	if (error != 0 && !result.message[0])
		fuzz_fail("a recording is refused without a word: %d", error);
	if (error != 0 && result.identical)
		fuzz_fail("a recording that cannot be read is said to be identical");
	inputs += result.inputs;
	packets += result.packets;
	identical += result.identical;
	refused += error != 0;
	return 0;
}
