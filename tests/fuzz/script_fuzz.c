/* tern script: the language, the expressions in %{ }%, and the running of what was understood. A script is its author's
 * own, so the oracle is that it ends, with a word where it failed. First byte: bit 0, IPv6; bits 1 and 2, the profile.
 */
#include "fuzz/fuzz.h"
#include "fuzz/file.h"

#include "script/stage.h"

#include <string.h>

static const char *const profiles[] = { "linux", "rfc", "freebsd", NULL };

static uint64_t codes[3];

bool fuzz_report(void)
{
	printf("%llu scripts went as they say, %llu did not, %llu could not be read\n", (unsigned long long)codes[0],
	       (unsigned long long)codes[1], (unsigned long long)codes[2]);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in		    in = { data, size };
	const uint8_t		    how = fuzz_u8(&in);
	const struct script_options options = { .profile = profiles[how >> 1 & 3], .quiet = true, .v6 = how & 1,
						.strict_segments = how & 8 };
	char			    error[SCRIPT_ERROR] = "";

	const int code = script_run_file(fuzz_file(in.at, in.n), &options, error);
	if (code < 0 || code > 2 || strlen(error) >= sizeof error)
		fuzz_fail("a script ends with %d", code);
	if (code != 0 && !error[0])
		fuzz_fail("a script fails without a word");
	codes[code]++;
	return 0;
}
