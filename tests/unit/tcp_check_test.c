/* check.c, and what it asks of flight and reassembly: a block in which one thing does not hold is not sound, whichever
 * thing it is. What tern_unpack() takes from a stranger stands on this. */
#include "base/bytes.h"
#include "tcp/flight_index.h"
#include "unit/tcp_rig.h"

struct kept {
	struct tcb	tcb;
	struct tcb_cold cold;
	struct tcb_warm warm;
};

static struct kept keep(const struct rig *r)
{
	struct kept kept = { .tcb = *r->tcb, .cold = *tcb_cold(r->tcb) };

	assert_true(tcb_is_sound(r->tcb));
	if (r->tcb->warm)
		kept.warm = *r->tcb->warm;
	return kept;
}

/* The block is not sound as it is now; as it was it is. */
static void refused_at(struct rig *r, const struct kept *kept, const char *file, int line)
{
	struct tcb *const tcb = r->tcb;

	if (tcb_is_sound(tcb))
		_fail(file, line);
	*tcb = kept->tcb;
	*tcb_cold(tcb) = kept->cold;
	if (tcb->warm)
		*tcb->warm = kept->warm;
	assert_true(tcb_is_sound(tcb));
}

#define refused(r, kept) refused_at(r, kept, __FILE__, __LINE__)

/* Three segments of 100 octets fly, 200 octets of the peer's wait to be read. */
static void talks(struct rig *r)
{
	established(r);
	r->tcb->nodelay = true;
	for (uint32_t i = 0; i < 3; i++) {
		writes(r, 1 + 100 * i, 100);
		sends(r, TCP_ACK, 1 + 100 * i, 1, 100);
	}
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 200), TERN_VERDICT_ACCEPTED);
}

static void numbers_out_of_order(struct rig *r)
{
	talks(r);
	const struct kept kept = keep(r);
	struct tcb *const tcb = r->tcb;

	tcb->snd.una = seq_add(tcb->snd.nxt, 1);
	refused(r, &kept);
	tcb->snd.max_wnd = tcb->snd.wnd - 1;
	refused(r, &kept);
	tcb->rcv.read = seq_add(tcb->rcv.nxt, 1);
	refused(r, &kept);
	tcb->rcv.wnd_edge = seq_add(tcb->rcv.nxt, (uint32_t)-1);
	refused(r, &kept);
	tcb->rcv.acked = seq_add(tcb->rcv.nxt, 1);
	refused(r, &kept);
}

static void states_that_the_fins_contradict(struct rig *r)
{
	talks(r);
	const struct kept kept = keep(r);
	struct tcb *const tcb = r->tcb;

	/* All that the FINs exclude, of which there are none. */
	for (unsigned state = 0; state <= TIME_WAIT + 1; state++)
		if (state != ESTABLISHED && state != SYN_SENT && state != SYN_RECEIVED) {
			tcb->state = (uint8_t)state;
			refused(r, &kept);
		}
	tcb->fin_received = true;
	refused(r, &kept);
	tcb->fin_sent = true;
	refused(r, &kept);
	tcb->fin_queued = true;
	refused(r, &kept);
	tcb->fin_queued = tcb->fin_sent = true;
	refused(r, &kept);
}

static void closing_states_without_their_fins(struct rig *r)
{
	static void (*const ways[])(struct rig *) = { closes_first, in_fin_wait_2, in_close_wait, in_closing,
						      in_last_ack };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		ways[i](r);
		const struct kept kept = keep(r);
		struct tcb *const tcb = r->tcb;

		tcb->fin_received = !tcb->fin_received;
		refused(r, &kept);
		tcb->fin_sent = !tcb->fin_sent;
		refused(r, &kept);
		if (tcb->fin_queued)
			tcb->fin_queued = false;
		else
			tcb->fin_queued = tcb->fin_sent = true;
		refused(r, &kept);
		if (tcb->state == CLOSE_WAIT) {
			tcb->fin_queued = true;
			refused(r, &kept);
		}
		if (tcb->state == FIN_WAIT_2) {
			tcb->snd.una = seq_add(tcb->snd.nxt, (uint32_t)-1);
			refused(r, &kept);
		}
		tcb->fin_queued = tcb->fin_sent = false;
		if (tcb->state == CLOSE_WAIT)
			tcb->fin_received = false;
		refused(r, &kept);
	}
}

static void a_closed_block_owes_nothing_but_a_reset(struct rig *r)
{
	in_state(r, CLOSED);
	const struct kept kept = keep(r);

	r->tcb->due = DUE_RESET;
	assert_true(tcb_is_sound(r->tcb));
	r->tcb->due = DUE_RESET | DUE_ACK;
	refused(r, &kept);
}

static void text_without_its_place(struct rig *r)
{
	talks(r);
	const struct kept kept = keep(r);
	struct tcb *const tcb = r->tcb;
	struct tcb_warm *const warm = tcb->warm;

	tcb->store = NULL;
	refused(r, &kept);
	tcb->warm = NULL; /* three segments fly, and nobody knows of them */
	refused(r, &kept);
	warm->text = NULL;
	refused(r, &kept);
	tcb->snd.iss = seq_add(tcb->snd.iss, 1); /* what flies is not what is held */
	refused(r, &kept);
	tcb->snd.iss = seq_add(tcb->snd.iss, (uint32_t)-1);
	refused(r, &kept);
	warm->chrono.kind = CHRONO_NONE;
	refused(r, &kept);
}

static void ranges_that_cannot_be(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 101, 1, 100);
	rx(r, TCP_ACK, 301, 1, 100);
	drain(r);
	const struct kept kept = keep(r);
	struct reassembly *const set = &r->tcb->warm->ooo;
	struct reassembly_range *const range = set->ranges, good = range[1];

	assert_int_equal(set->n, 2);
	r->tcb->store = NULL;
	refused(r, &kept);
	set->room = 1;
	refused(r, &kept);
	r->tcb->rcv.wnd_edge = seq_add(range[1].right, (uint32_t)-1);
	refused(r, &kept);
	range[1].right = range[1].left;
	assert_false(tcb_is_sound(r->tcb));
	range[1] = (struct reassembly_range){ .left = range[0].right, .right = good.right };
	assert_false(tcb_is_sound(r->tcb)); /* two that touch are one */
	range[1] = good;
	assert_true(tcb_is_sound(r->tcb));
}

static void recoveries_that_cannot_be(struct rig *r)
{
	talks(r);
	const struct kept kept = keep(r);
	struct tcb_warm *const warm = r->tcb->warm;

	warm->recovery = TERN_RECOVERY_FAST; /* its point is passed */
	warm->recover = r->tcb->snd.una;
	refused(r, &kept);
	warm->prr.recover_fs = 1000;
	refused(r, &kept);
	warm->undo.frto = FRTO_WAIT;
	refused(r, &kept);
	warm->undo.needless = warm->undo.resent + 1;
	refused(r, &kept);
	warm->rack.reo_wnd_mult = 0;
	refused(r, &kept);
	warm->cc.cwnd = warm->cc.mss - 1;
	refused(r, &kept);
}

/* Liveness: what waits for the peer has a timer. */
static void nothing_waits_for_ever(struct rig *r)
{
	talks(r);
	const struct kept kept = keep(r);
	struct tcb *const tcb = r->tcb;

	tcb->warm->retransmit_at = TERN_NEVER;
	refused(r, &kept);
	assert_true(tcb->ack_pending);
	tcb->delayed_ack_at = TERN_NEVER;
	tcb->due = (uint8_t)(tcb->due & ~DUE_ACK);
	refused(r, &kept);
	tcb->held = false; /* an orphan without an end */
	tcb_cold(tcb)->orphan_ms = 0;
	refused(r, &kept);
}

static void timers_of_what_does_not_fly(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 101, 1, 100); /* warm, and nothing in flight */
	drain(r);
	const struct kept kept = keep(r);

	r->tcb->warm->chrono.kind = CHRONO_BUSY;
	refused(r, &kept);
	r->tcb->warm->probe_at = r->now + ms(1);
	refused(r, &kept);
	r->tcb->warm->reordering_at = r->now + ms(1);
	refused(r, &kept);
}

static void a_zero_window_is_asked_about(struct rig *r)
{
	established(r);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 100);
	drain(r);
	const struct kept kept = keep(r);

	r->tcb->warm->persist_at = TERN_NEVER;
	refused(r, &kept);
}

static void a_full_segment_leaves_or_is_paced(struct rig *r)
{
	established(r);
	writes(r, 1, 3 * RIG_MSS);
	const struct kept kept = keep(r);

	r->tcb->due = (uint8_t)(r->tcb->due & ~DUE_TEXT);
	refused(r, &kept);
}

/* ---- flight ---- */

/* Five segments fly; the second is lost, the fourth and fifth are SACKed. */
static struct kept flies(struct rig *r)
{
	struct flight_report report;
	struct tcb_warm *warm;

	r->peer.sack = true;
	established(r);
	r->tcb->nodelay = true;
	for (uint32_t i = 0; i < 5; i++) {
		pass(r, ms(1));
		writes(r, 1 + 100 * i, 100);
		sends(r, TCP_ACK, 1 + 100 * i, 1, 100);
	}
	warm = r->tcb->warm;
	assert_int_equal(warm->flight.n, 5);
	report = flight_report_begin(&warm->flight);
	assert_int_equal(flight_sack(&warm->flight, seq(r->iss + 301), seq(r->iss + 501), &report), 200);
	assert_true(flight_lose(&warm->flight, flight_at(&warm->flight, 1), &warm->rate));
	return keep(r);
}

static void sums_of_a_flight_that_are_wrong(struct rig *r)
{
	const struct kept kept = flies(r);
	struct flight *const flight = &r->tcb->warm->flight;
	uint32_t *const sums[] = { &flight->in_flight, &flight->sacked, &flight->n_sacked, &flight->n_lost,
				   &flight->lost_octets };
	seq_t *const marks[] = { &flight->settled, &flight->highest_sacked };

	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		++*sums[i];
		refused(r, &kept);
	}
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		*marks[i] = seq_add(r->tcb->snd.una, (uint32_t)-1);
		refused(r, &kept);
		*marks[i] = seq_add(r->tcb->snd.nxt, 1);
		refused(r, &kept);
	}
	flight->n--;
	refused(r, &kept);
}

static void record_refused(struct rig *r, struct flight_record *record, const struct flight_record *as)
{
	const struct flight_record good = *record;

	*record = *as;
	assert_false(tcb_is_sound(r->tcb));
	*record = good;
	assert_true(tcb_is_sound(r->tcb));
}

static void records_that_cannot_be(struct rig *r)
{
	(void)flies(r);
	const struct flight *const flight = &r->tcb->warm->flight;

	for (uint32_t i = 0; i < flight->n; i++) {
		struct flight_record *const record = flight_at(flight, i);
		struct flight_record	    bad = *record;

		bad.seq = seq_add(bad.seq, 1);
		record_refused(r, record, &bad);
		bad = *record;
		bad.len = 0;
		record_refused(r, record, &bad);
		bad = *record;
		bad.flags = (uint8_t)(bad.flags | FLIGHT_LOST | FLIGHT_SACKED);
		record_refused(r, record, &bad);
		bad = *record;
		bad.flags = (uint8_t)(bad.flags ^ FLIGHT_SACKED);
		record_refused(r, record, &bad);
		if (!flight_counts(record))
			continue;
		bad = *record; /* the list by time: a ring, or out of the ring, or in another order */
		bad.younger = flight_place(flight, record);
		record_refused(r, record, &bad);
		bad.younger = flight->room;
		record_refused(r, record, &bad);
		bad = *record;
		bad.older = flight_place(flight, record);
		record_refused(r, record, &bad);
		bad = *record;
		bad.sent_at += i == 0 ? TERN_SECOND : -TERN_SECOND;
		record_refused(r, record, &bad);
	}
}

static void lists_and_sets_that_are_wrong(struct rig *r)
{
	const struct kept kept = flies(r);
	struct flight *const flight = &r->tcb->warm->flight;
	const uint32_t sacked = flight_place(flight, flight_at(flight, 4));
	const uint32_t open = flight_place(flight, flight_at(flight, 0));

	flight->youngest = flight->oldest;
	refused(r, &kept);
	flight->oldest = FLIGHT_NONE;
	refused(r, &kept);
	flight->oldest = sacked;
	refused(r, &kept);
	flight->oldest = (flight->head + flight->n) & (flight->room - 1); /* a place that holds none */
	refused(r, &kept);
	for (unsigned set = 0; set < FLIGHT_SETS; set++) {
		struct bits *const bits = &flight->sets[set];
		const uint32_t places[] = { sacked, open, (flight->head + flight->n) & (flight->room - 1) };

		for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
			const bool in = bits_has(bits, places[i]);

			(in ? bits_take : bits_put)(bits, places[i]);
			assert_false(tcb_is_sound(r->tcb));
			(in ? bits_put : bits_take)(bits, places[i]);
			assert_true(tcb_is_sound(r->tcb));
		}
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(numbers_out_of_order),
		CASE(states_that_the_fins_contradict),
		CASE(closing_states_without_their_fins),
		CASE(a_closed_block_owes_nothing_but_a_reset),
		CASE(text_without_its_place),
		CASE(ranges_that_cannot_be),
		CASE(recoveries_that_cannot_be),
		CASE(nothing_waits_for_ever),
		CASE(timers_of_what_does_not_fly),
		CASE(a_zero_window_is_asked_about),
		CASE(a_full_segment_leaves_or_is_paced),
		CASE(sums_of_a_flight_that_are_wrong),
		CASE(records_that_cannot_be),
		CASE(lists_and_sets_that_are_wrong),
	};

	return RIG_RUN("check", cases);
}
