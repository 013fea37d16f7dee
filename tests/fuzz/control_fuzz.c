/* Requests of the gateway's control socket: a line with one flat JSON object. First byte: the room for a value. */
#include "fuzz/fuzz.h"

#include "gateway/control.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "do", "id", "forward", "" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in	    in = { data, size };
	const size_t	    room = 1 + (size_t)fuzz_u8(&in);
	struct gateway	    gateway = { .ipv6 = false };
	struct control_text answer = { .n = 0 };
	char *const	    request = malloc(in.n + 1), *const value = malloc(room);
	char		    what[64];

	if (!request || !value || in.n > CONTROL_LINE)
		goto out;
	memcpy(request, in.at, in.n);
	request[in.n] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (control_field(request, names[i], value, room) == 0 && strlen(value) >= room)
			fuzz_fail("a value longer than its room");
	/* What changes the world, or asks a gateway that runs, is not asked for here. */
	if (control_field(request, "do", what, sizeof what) == 0 &&
	    (strcmp(what, "add") == 0 || strcmp(what, "stats") == 0 || strcmp(what, "flows") == 0))
		goto out;
	control_answer(&gateway, request, &answer);
	if (!answer.lost && (answer.n == 0 || answer.at[answer.n - 1] != '\n'))
		fuzz_fail("an answer that is no line");
	for (size_t i = 0; i + 1 < answer.n; i++)
		if ((unsigned char)answer.at[i] < ' ')
			fuzz_fail("an answer with a control character in it");
out:
	free(answer.at);
	free(value);
	free(request);
	return 0;
}
