/* The frames of QEMU's stream, through a socket, in pieces of any size: frames come out as they were sent, up to the
 * first length that cannot be, which ends the connection. Records: a byte that says how much is written before the link
 * is asked, then a 16 bit length and the frame's octets are the fuzzer's.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <tern/device.h>
#include <tern/loop.h>
#include <unistd.h>

enum { BATCH = 16, FRAME_MOST = 65536 + 14, FRAME_LEAST = 14 };

/* The stream as it should come out: what of it has been. */
struct expected {
	const uint8_t *at;
	size_t	       n;
	bool	       over;
};

/* The next frame of the stream; NULL: none whole, or it ends here. */
static const uint8_t *next_frame(struct expected *expected, uint32_t *len)
{
	while (!expected->over && expected->n >= 4) {
		const uint8_t *const frame = expected->at + 4;

		*len = get32(expected->at);
		expected->over = *len == 0 || *len > FRAME_MOST;
		if (expected->over || expected->n - 4 < *len)
			break;
		expected->at += 4 + *len;
		expected->n -= 4 + *len;
		if (*len >= FRAME_LEAST)
			return frame;
	}
	return NULL;
}

static void receive(struct tern_link *link, struct expected *expected)
{
	tern_packet *batch[BATCH];
	size_t	     n;

	while ((n = link->ops->receive(link, batch, BATCH, 0)) > 0) {
		for (size_t i = 0; i < n; i++) {
			uint32_t	     len = 0;
			const uint8_t *const frame = next_frame(expected, &len);

			if (!frame || batch[i]->len != len || memcmp(batch[i]->part[0].at, frame, len) != 0)
				fuzz_fail("a frame of %u bytes that was not sent", batch[i]->len);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in		 in = { data, size };
	const struct tern_qemu	 settings = { .mtu = 1500 };
	const unsigned		 step = 1 + fuzz_u8(&in);
	struct expected		 expected = { in.at, in.n, false };
	struct tern_link	*link = NULL;
	int			 ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return 0;
	if (tern_qemu_adopt(&link, ends[0], &settings, tern_allocator_default()) != 0)
		fuzz_fail("a connected socket is not taken");
	while (in.n > 0 && tern_device_error(link) == 0) {
		size_t		     n;
		const uint8_t *const at = fuzz_take(&in, step * step, &n);

		if (send(ends[1], at, n, MSG_NOSIGNAL) < 0)
			break;
		receive(link, &expected);
	}
	if (tern_device_error(link) == 0) {
		uint32_t len = 0;

		receive(link, &expected);
		if (next_frame(&expected, &len))
			fuzz_fail("a frame of %u bytes did not come out", len);
		if (expected.over)
			fuzz_fail("a length of %u did not end the connection", len);
	}
	link->ops->close(link);
	close(ends[1]);
	return 0;
}
