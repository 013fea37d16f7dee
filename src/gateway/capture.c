/* A packet that arrived is written once tern has said what it made of it: when the next ones are asked for, or
 * something is sent. A packet that leaves is written when it is first offered to the link, with what tern told when
 * it was made. What passes here before an impairment is what tern sent, lost or not.
 */
#include "gateway/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/gateway.h"
#include "watch/pcapng.h"
#include "watch/remark.h"

enum { BATCH = 64, SENT = 1024 };

struct told {
	uint64_t id; /* of the packet; 0: nothing was told */
	char	 comment[REMARK_SIZE];
};

struct capture {
	struct tern_link  link; /* first */
	struct tern_link *under;
	struct gateway	 *gateway;
	FILE		 *to;
	tern_time	  epoch; /* to add to tern's time for the time since 1970 */

	/* Arrived and not written yet; tern tells of them by mark: first + index. */
	tern_packet *waiting[BATCH];
	tern_time    arrived;
	uint64_t     first;
	size_t	     n_waiting;
	struct told  in[BATCH];

	struct told out[SENT]; /* by id */
	uint64_t    written;   /* the highest id */

	struct remarks remarks;
};

static struct capture *capture_of(struct tern_link *link)
{
	return (struct capture *)link;
}

/* ---- comments ---- */

void capture_event(struct gateway *gateway, const struct tern_watch_event *event)
{
	struct capture *const capture = gateway->capture;
	const bool	      drop = event->kind == TERN_WATCH_PACKET_DROP;
	char		      said[REMARK_SIZE];
	struct told	     *told = NULL;
	uint64_t	      id = 0;

	switch (remark_of(&capture->remarks, event, said)) {
	case REMARK_NONE: return;
	case REMARK_ARRIVED:
		id = drop ? event->u.drop.mark : event->u.segment.mark;
		if (id < capture->first || id - capture->first >= capture->n_waiting)
			return;
		told = &capture->in[id - capture->first];
		break;
	case REMARK_SENT:
		id = event->u.segment.id;
		told = &capture->out[id % SENT];
		break;
	}
	if (!told)
		return;
	told->id = id;
	memcpy(told->comment, said, sizeof said);
}

/* ---- writing ---- */

static void write_packet(struct capture *capture, const tern_packet *packet, tern_time now,
			 enum pcapng_direction direction, const char *comment)
{
	pcapng_whole(capture->to, now + capture->epoch, direction, packet, comment);
}

static void write_waiting(struct capture *capture)
{
	for (size_t i = 0; i < capture->n_waiting; i++)
		write_packet(capture, capture->waiting[i], capture->arrived, PCAPNG_INBOUND,
			     capture->in[i].id ? capture->in[i].comment : NULL);
	capture->n_waiting = 0;
	remark_forget(&capture->remarks);
}

static size_t capture_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct capture *const capture = capture_of(link);

	write_waiting(capture);
	capture->first += BATCH;
	const size_t n = capture->under->ops->receive(capture->under, batch, room < BATCH ? room : BATCH, now);

	for (size_t i = 0; i < n; i++) {
		batch[i]->mark = capture->first + i;
		capture->waiting[i] = batch[i];
		capture->in[i].id = 0;
	}
	capture->n_waiting = n;
	capture->arrived = now;
	return n;
}

static size_t capture_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct capture *const capture = capture_of(link);

	write_waiting(capture);
	for (size_t i = 0; i < n; i++) {
		const struct told *const told = &capture->out[batch[i]->id % SENT];

		if (batch[i]->id <= capture->written) /* offered before, when there was no room */
			continue;
		capture->written = batch[i]->id;
		write_packet(capture, batch[i], now, PCAPNG_OUTBOUND, told->id == batch[i]->id ? told->comment : NULL);
	}
	return capture->under->ops->send(capture->under, batch, n, now);
}

static tern_time capture_deadline(const struct tern_link *link)
{
	const struct capture *const capture = (const struct capture *)link;

	return capture->under->ops->deadline(capture->under);
}

static int capture_fd(const struct tern_link *link)
{
	const struct capture *const capture = (const struct capture *)link;

	return capture->under->ops->fd(capture->under);
}

static void capture_close(struct tern_link *link)
{
	struct capture *const capture = capture_of(link);

	write_waiting(capture);
	gateway_close_file("--pcap", capture->gateway->options->pcap, capture->to);
	capture->gateway->capture = NULL;
	capture->under->ops->close(capture->under);
	free(capture);
}

static const struct tern_link_ops capture_ops = {
	.name = "capture",
	.send = capture_send,
	.receive = capture_receive,
	.deadline = capture_deadline,
	.fd = capture_fd,
	.close = capture_close,
};

int capture_open(struct gateway *gateway, bool ethernet)
{
	struct capture *const capture = calloc(1, sizeof *capture);
	struct timespec	      since;

	if (!capture)
		return -TERN_ENOMEM;
	capture->to = fopen(gateway->options->pcap, "we");
	if (!capture->to) {
		const int error = gateway_unwritable("--pcap", gateway->options->pcap, -errno);

		free(capture);
		return error;
	}
	(void)setvbuf(capture->to, NULL, _IOFBF, 1 << 18);
	(void)clock_gettime(CLOCK_REALTIME, &since);
	capture->epoch = since.tv_sec * TERN_SECOND + since.tv_nsec - tern_loop_now(gateway->loop);
	capture->under = gateway->link;
	capture->gateway = gateway;
	capture->first = 1;
	capture->link = (struct tern_link){ .ops = &capture_ops, .config = gateway->link->config };
	pcapng_begin(capture->to, ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW, "tern");
	gateway->capture = capture;
	gateway->link = &capture->link;
	return 0;
}
