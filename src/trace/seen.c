#include "trace/inner.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/* What is in flight, as the vantage sees it: records in the order of sequence numbers, so that one is found by halving.
 * What was sent first through a hole stands between others; that is rare, and they are moved. */

enum { ROOM_FIRST = 16 };

static struct trace_record *at(const struct trace_flight *flight, uint32_t i)
{
	return &flight->record[(flight->head + i) & (flight->room - 1)];
}

static bool grow(struct trace_flight *flight)
{
	const uint32_t		   room = flight->room ? 2 * flight->room : ROOM_FIRST;
	struct trace_record *const more = malloc(room * sizeof *more);

	if (!more) {
		flight->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < flight->n; i++)
		more[i] = *at(flight, i);
	free(flight->record);
	flight->record = more;
	flight->room = room;
	flight->head = 0;
	return true;
}

static void drop_first(struct trace_flight *flight)
{
	flight->head = (flight->head + 1) & (flight->room - 1);
	flight->n--;
}

void seen_done(struct trace_flight *flight)
{
	free(flight->record);
	*flight = (struct trace_flight){ .n = 0 };
}

void seen_add(struct trace_flight *flight, const struct look *look, bool late)
{
	uint32_t place;

	if (flight->n == TRACE_RECORDS_MAX)
		drop_first(flight);
	if (flight->n == flight->room && !grow(flight))
		return;
	place = flight->n++;
	while (place > 0 && after(at(flight, place - 1)->seq, look->segment->seq)) {
		*at(flight, place) = *at(flight, place - 1);
		place--;
	}
	*at(flight, place) = (struct trace_record){
		.seq = look->segment->seq,
		.end = look->end,
		.first = look->segment->at,
		.last = look->segment->at,
		.step = look->step,
		.times = 1,
		.late = late,
	};
}

/* The first record whose end is after seq; flight->n: none. */
static uint32_t place_of(const struct trace_flight *flight, uint32_t seq)
{
	uint32_t low = 0, high = flight->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (after(at(flight, middle)->end, seq))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct trace_record *seen_find(struct trace_flight *flight, uint32_t seq)
{
	const uint32_t i = place_of(flight, seq);

	return i < flight->n && not_before(seq, at(flight, i)->seq) ? at(flight, i) : NULL;
}

/* ---- acknowledged ---- */

/* Of what was sent twice it is not known which of the two came, unless the first can hardly have been on its way so
 * long (RFC 8985 6.2, step 2). */
static void note_came(struct trace_end *of, const struct trace_record *record, tern_time now)
{
	if (record->times == 1 || now - record->last >= of->rtt_min)
		of->came_at = max_i64(of->came_at, record->last);
}

/* RFC 6298 2, as a sender at the vantage would have it. */
static void take_rtt(struct trace_end *end, tern_time rtt)
{
	if (rtt <= 0 || rtt > TRACE_ROUND_MAX) /* of one moment of the capture's clock: it says nothing */
		return;
	if (end->rtts++ == 0) {
		end->rtt_min = end->srtt = rtt;
		end->rttvar = rtt / 2;
		return;
	}
	const tern_time off = rtt > end->srtt ? rtt - end->srtt : end->srtt - rtt;

	end->rttvar += (off - end->rttvar) / 4;
	end->srtt += (rtt - end->srtt) / 8;
	if (rtt < end->rtt_min)
		end->rtt_min = rtt;
}

void seen_acked(struct look *look)
{
	struct trace_end *const	   of = look->peer;
	struct trace_flight *const flight = &of->flight;
	tern_time		   rtt = -1;

	while (flight->n > 0 && not_before(look->segment->ack, at(flight, 0)->end)) {
		const struct trace_record *const record = at(flight, 0);

		/* Karn: what was sent twice measures nothing; nor does what waited for a hole to be filled. */
		rtt = record->times == 1 && !record->late && !record->sacked
			      ? look->segment->at - record->last
			      : -1;
		note_came(of, record, look->segment->at);
		drop_first(flight);
	}
	if (rtt >= 0 && look->segment->ack == look->peer->una)
		take_rtt(of, rtt);
	if (flight->n == 0 && flight->room > 4 * ROOM_FIRST)
		seen_done(flight);
}

void seen_sacked(struct look *look)
{
	struct trace_end *const		of = look->peer;
	const struct tcp_options *const opt = &look->segment->opt;

	for (unsigned k = 0; k < opt->n_sack && k < TCP_SACK_BLOCKS; k++) {
		const uint32_t left = opt->sack[k].left.v, right = opt->sack[k].right.v;

		if (!after(right, left) || !after(right, look->segment->ack) || after(right, of->nxt))
			continue; /* RFC 2883: of what is acknowledged already */
		if (!after(look->me->sack_high, look->segment->ack) || after(right, look->me->sack_high))
			look->me->sack_high = right;
		for (uint32_t i = place_of(&of->flight, left);
		     i < of->flight.n && not_before(right, at(&of->flight, i)->end); i++) {
			struct trace_record *const record = at(&of->flight, i);

			if (!record->sacked)
				note_came(of, record, look->segment->at);
			record->sacked = true;
		}
	}
}
