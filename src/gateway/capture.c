/* A packet that arrived is written once tern has said what it made of it: when the next ones are asked for, or
 * something is sent. A packet that leaves is written when it is first offered to the link, with what tern told when
 * it was made. What passes here before an impairment is what tern sent, lost or not.
 *
 * Checksums that the device is to complete are completed in the copy that is written, so that readers find no
 * wrong ones; a segment of 64 KiB that the device splits stays one packet.
 */
#include "gateway/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "gateway/gateway.h"
#include "watch/pcapng.h"
#include "watch/text.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

enum { BATCH = 64, SENT = 1024, COMMENT = 200 };

struct told {
	uint64_t id; /* of the packet; 0: nothing was told */
	char	 comment[COMMENT];
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

	/* The change of state that the segment being told of brought. */
	bool			has_change;
	struct tern_watch_event change;
	bool			has_again; /* the next segment sends octets again, for this reason */
	struct tern_watch_event again;
};

static struct capture *capture_of(struct tern_link *link)
{
	return (struct capture *)link;
}

/* ---- comments ---- */

/* Where it says what is to be done with such a segment. */
static const char *clause_of(enum tern_verdict verdict)
{
	switch (verdict) {
	case TERN_VERDICT_DUPLICATE:
	case TERN_VERDICT_OUT_OF_WINDOW: return "RFC 9293 3.10.7.4, first step: acceptability";
	case TERN_VERDICT_OUT_OF_ORDER: return "RFC 9293 3.10.7.4: held for later processing";
	case TERN_VERDICT_PAWS: return "RFC 7323 5: an old timestamp";
	case TERN_VERDICT_NO_TIMESTAMP: return "RFC 7323 3.2: timestamp missing";
	case TERN_VERDICT_BAD_ACK: return "RFC 9293 3.10.7: acknowledges what was not sent";
	case TERN_VERDICT_OLD_ACK: return "RFC 5961 5.2: older than any window";
	case TERN_VERDICT_NO_ACK: return "RFC 9293 3.10.7.4, fifth step: no ACK bit";
	case TERN_VERDICT_RESET: return "RFC 9293 3.10.7.4, second step";
	case TERN_VERDICT_REFUSED: return "RFC 9293 3.10.7.3, second step";
	case TERN_VERDICT_BLIND_RESET: return "RFC 5961 3.2: challenged";
	case TERN_VERDICT_BLIND_SYN: return "RFC 5961 4.2: challenged";
	case TERN_VERDICT_STRAY_RESET: return "RFC 9293 3.10.7.1: discarded";
	case TERN_VERDICT_NO_CONNECTION: return "RFC 9293 3.10.7.1: answered with RST";
	case TERN_VERDICT_WAITING: return "waits for the onward connection";
	case TERN_VERDICT_DUPLICATE_SYN: return "the SYN again";
	case TERN_VERDICT_TIME_WAIT: return "RFC 9293 3.10.7.4, TIME-WAIT";
	case TERN_VERDICT_TIME_WAIT_REUSED: return "RFC 6191: a new connection";
	case TERN_VERDICT_TEXT_AFTER_CLOSE: return "RFC 9293 3.6.1: nobody reads it";
	case TERN_VERDICT_NO_MEMORY: return "the memory budget is spent";
	case TERN_VERDICT_BACKLOG_FULL: return "too many connections wait";
	default: return NULL;
	}
}

/* "SYN-RECEIVED to ESTABLISHED (our-syn-acked, RFC 9293 3.10.7.4)", "ESTABLISHED". Takes the change. */
static void put_states(struct capture *capture, struct text *out, const struct tern_watch_event *event)
{
	const struct tern_watch_event *const change = &capture->change;
	const bool changed = capture->has_change && tuple_equal(&change->tuple, &event->tuple);

	capture->has_change = false;
	if (!changed) {
		text_put(out, tern_state_name(event->state));
		return;
	}
	text_format(out, "%s to %s (%s", tern_state_name(change->u.state.from), tern_state_name(change->u.state.to),
		    tern_why_name(change->u.state.why));
	if (change->u.state.clause)
		text_format(out, ", %s", change->u.state.clause);
	text_put(out, ")");
}

static void tell_arrived(struct capture *capture, const struct tern_watch_event *event)
{
	const bool		drop = event->kind == TERN_WATCH_PACKET_DROP;
	const uint64_t		mark = drop ? event->u.drop.mark : event->u.segment.mark;
	const enum tern_verdict verdict =
		drop ? event->u.drop.verdict : (enum tern_verdict)event->u.segment.verdict;
	struct text out;

	if (mark < capture->first || mark - capture->first >= capture->n_waiting)
		return;
	struct told *const told = &capture->in[mark - capture->first];

	told->id = mark;
	text_init(&out, told->comment, sizeof told->comment);
	text_put(&out, "tern: ");
	if (!drop) {
		put_states(capture, &out, event);
		text_put(&out, "; ");
	}
	text_put(&out, tern_verdict_name(verdict));
	if (clause_of(verdict))
		text_format(&out, ": %s", clause_of(verdict));
}

static void tell_sent(struct capture *capture, const struct tern_watch_event *event)
{
	struct told *const told = &capture->out[event->u.segment.id % SENT];
	struct text	   out;

	told->id = event->u.segment.id;
	text_init(&out, told->comment, sizeof told->comment);
	text_put(&out, "tern: ");
	put_states(capture, &out, event);
	if (event->u.segment.probe)
		text_put(&out, "; probe");
	if (event->u.segment.retransmitted)
		text_put(&out, "; retransmission");
	if (capture->has_again && tuple_equal(&capture->again.tuple, &event->tuple) &&
	    (event->u.segment.retransmitted || event->u.segment.probe))
		text_format(&out, ": %s", tern_retransmit_why_name(capture->again.u.retransmit.why));
	capture->has_again = false;
}

void capture_event(struct gateway *gateway, const struct tern_watch_event *event)
{
	struct capture *const capture = gateway->capture;

	switch (event->kind) {
	case TERN_WATCH_STATE:
		/* Two at one segment: from the first to the last. */
		if (capture->has_change && tuple_equal(&capture->change.tuple, &event->tuple) &&
		    capture->change.now == event->now) {
			const enum tern_state from = capture->change.u.state.from;

			capture->change = *event;
			capture->change.u.state.from = from;
		} else {
			capture->change = *event;
		}
		capture->has_change = true;
		break;
	case TERN_WATCH_RETRANSMIT:
		capture->again = *event;
		capture->has_again = true;
		break;
	case TERN_WATCH_SEGMENT_RX:
	case TERN_WATCH_PACKET_DROP: tell_arrived(capture, event); break;
	case TERN_WATCH_SEGMENT_TX: tell_sent(capture, event); break;
	default: break;
	}
}

/* ---- writing ---- */

/* The Internet checksum over everything from start on, of which the field holds the pseudo-header's part. */
static uint16_t complete(const struct pcapng_part *part, size_t n, size_t start)
{
	uint32_t sum = 0;
	size_t	 at = 0, summed = 0;

	for (size_t i = 0; i < n; i++) {
		const size_t skip = at < start ? (start - at < part[i].n ? start - at : part[i].n) : 0;

		sum = checksum_add_at(sum, (const uint8_t *)part[i].at + skip, part[i].n - skip, summed);
		summed += part[i].n - skip;
		at += part[i].n;
	}
	return checksum_finish(sum);
}

static void write_packet(struct capture *capture, const tern_packet *packet, tern_time now,
			 enum pcapng_direction direction, const char *comment)
{
	struct pcapng_part part[TERN_PACKET_PARTS + 1];
	uint8_t		   head[TERN_PACKET_HEADERS + 64];
	size_t		   n = 0;

	for (unsigned i = 0; i < packet->n_parts; i++)
		part[n++] = (struct pcapng_part){ packet->part[i].at, packet->part[i].n };
	const size_t field = (size_t)packet->csum_start + packet->csum_offset;

	if (n > 0 && packet->checksum_offload && packet->csum_start > 0 && field + 2 <= part[0].n) {
		const size_t copied = part[0].n < sizeof head ? part[0].n : sizeof head;
		const uint16_t sum = complete(part, n, packet->csum_start);

		if (field + 2 <= copied) {
			memcpy(head, part[0].at, copied);
			put16(head + field, sum);
			memmove(part + 2, part + 1, (n - 1) * sizeof part[0]);
			part[1] = (struct pcapng_part){ (const uint8_t *)part[0].at + copied, part[0].n - copied };
			part[0] = (struct pcapng_part){ head, copied };
			n++;
		}
	}
	pcapng_packet(capture->to, now + capture->epoch, direction, part, n, comment);
}

static void write_waiting(struct capture *capture)
{
	for (size_t i = 0; i < capture->n_waiting; i++)
		write_packet(capture, capture->waiting[i], capture->arrived, PCAPNG_INBOUND,
			     capture->in[i].id ? capture->in[i].comment : NULL);
	capture->n_waiting = 0;
	capture->has_change = false; /* what is told from here on no arrival has brought */
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
	if (fclose(capture->to) != 0)
		gateway_say("--pcap: %s", strerror(errno));
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
		const int error = -errno;

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
