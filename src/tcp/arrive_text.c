/* The seventh and eighth steps of RFC 9293 3.10.7.4: text to its place, then the FIN. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/call.h"
#include "tcp/post.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"
#include "wire/checksum.h"

enum { QUICK_OCTETS = 16 * 1460 }; /* of a connection's beginning, acknowledged at once */

/* When to acknowledge text in order (RFC 9293 3.8.6.3, RFC 5681 4.2; SHLD-18, RFC5681-3.2-1, RFC5681-4.2-1). */
static void acknowledge_in_order(struct tcb *tcb, bool filled_a_gap, tern_time now)
{
	const uint32_t pending = seq_sub(tcb->rcv.nxt, tcb->rcv.acked);

	if (tcb->quick && seq_sub(tcb->rcv.nxt, tcb->rcv.irs) > QUICK_OCTETS)
		tcb->quick = false; /* by now the peer's slow start has had its ACKs */
	if (filled_a_gap || tcb->quick || tcb->quickack || tcb_env(tcb)->config.no_delayed_ack ||
	    pending >= 2u * tcb->rcv.mss) /* SHLD-19 */
		tcb->due |= DUE_ACK;
	else
		timers_ack_delayed(tcb, now);
}

static void advance(struct tcb *tcb, seq_t nxt)
{
	if (seq_sub(nxt, tcb->rcv.irs) < seq_sub(tcb->rcv.nxt, tcb->rcv.irs))
		tcb_cold(tcb)->received_wraps++;
	tcb->rcv.nxt = nxt;
}

/* A store to put text into; NULL: no memory. In-order text may use the reserve. */
static struct pages *text_store(struct tcb *tcb, enum mem_claim claim)
{
	if (!tcb->store)
		tcb->store = pages_new(&tcb_env(tcb)->pages,
				       rcv_offset(tcb, seq_add(tcb->rcv.read, post_holds(tcb))), claim);
	return tcb->store;
}

static void give_up_empty_store(struct tcb *tcb)
{
	if (tcb->store && tcb_unread(tcb) == post_holds(tcb) && (!tcb->warm || tcb->warm->ooo.n == 0)) {
		pages_free(&tcb_env(tcb)->pages, tcb->store);
		tcb->store = NULL;
	}
}

/* Beside what is held: only the gaps are written, so that what came first stays as it is whoever sends it again. */
static uint32_t fill_gaps(struct tcb *tcb, struct pages *store, const struct arrival *in)
{
	struct tcp_env *const env = tcb_env(tcb);
	const seq_t right = seq_add(in->seq, in->len);
	seq_t left = in->seq, gap_left, gap_right;

	while (seq_lt(left, right) && reassembly_gap(&tcb->warm->ooo, left, right, &gap_left, &gap_right)) {
		const uint32_t n = seq_sub(gap_right, gap_left);
		const size_t written = pages_write(&env->pages, store, rcv_offset(tcb, gap_left),
						   in->text + seq_sub(gap_left, in->seq), n, MEM_RESERVED);

		if (written < n)
			return seq_sub(gap_left, in->seq) + (uint32_t)written;
		left = gap_right;
	}
	return in->len;
}

/* Text at RCV.NXT that the program takes as it comes (struct tern_taker): read at once, and never stored. */
static uint32_t take_past_store(struct tcb *tcb, const struct arrival *in)
{
	const struct tern_taker *const taker = &tcb_env(tcb)->config.taker;
	size_t taken;

	/* Without a store nothing is unread or beyond a gap. Urgent text is told of before it is read. */
	if (!taker->take || tcb->store || !tcb->held || tcb->urgent_received || post_of(tcb))
		return 0;
	taken = min_size(taker->take(taker->context, tcb_cold(tcb)->cookie, in->text, in->len), in->len);
	tcb->rcv.read = seq_add(tcb->rcv.nxt, (uint32_t)taken);
	return (uint32_t)taken;
}

/* Text at RCV.NXT to where the program posted memory for it. */
static uint32_t take_to_post(struct tcb *tcb, const struct arrival *in)
{
	uint8_t *to;
	const uint32_t n = min_u32(post_room(tcb, &to), in->len);

	if (n == 0)
		return 0;
	memcpy(to, in->text, n);
	post_of(tcb)->n += n;
	return n;
}

/* Text at RCV.NXT. Returns how much of it was taken. */
static uint32_t take_in_order(struct tcb *tcb, const struct arrival *in)
{
	struct pages *store;
	uint32_t passed;
	size_t n;

	if (tcb->receive_shut) { /* the program wants no more: read and thrown away at once */
		tcb->rcv.read = seq_add(tcb->rcv.nxt, in->len);
		return in->len;
	}
	passed = take_to_post(tcb, in);
	if (passed == 0)
		passed = take_past_store(tcb, in);
	if (passed == in->len)
		return passed;
	store = text_store(tcb, MEM_RESERVED);
	if (!store)
		return passed;
	if (tcb->warm && tcb->warm->ooo.n > 0)
		return fill_gaps(tcb, store, in);
	n = pages_write(&tcb_env(tcb)->pages, store, rcv_offset(tcb, seq_add(in->seq, passed)), in->text + passed,
			in->len - passed, MEM_RESERVED);
	return passed + (uint32_t)n;
}

/* Text has its place in order, or was read at once: of a segment that began at seq with n octets. The next that is
 * missing is nxt. */
static void took(struct tcb *tcb, seq_t seq, seq_t nxt, uint32_t n, bool filled_a_gap, tern_time now)
{
	advance(tcb, nxt);
	/* What a device joined is no full-sized segment: one is at most what the peer can make (its own MSS
	 * stands for that; both ends of a path rarely differ). */
	if (n > tcb->rcv.mss)
		tcb->rcv.mss = (uint16_t)min_u32(n, max_u32(tcb->rcv.mss, tcb_cold(tcb)->peer_mss));
	if (tcb_unread(tcb) > 0)
		tcb->ready |= TERN_READABLE;
	else
		give_up_empty_store(tcb);
	if (!tcb->receive_shut && seq_gt(tcb->rcv.read, seq))
		window_after_read(tcb, now);
	acknowledge_in_order(tcb, filled_a_gap, now);
}

bool arrive_text_plain(struct tcb *tcb, const uint8_t *text, uint32_t n, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	const uint32_t offset = rcv_offset(tcb, tcb->rcv.nxt);

	if (!tcb->held || tcb->receive_shut || post_of(tcb) || env->config.taker.take ||
	    (tcb->warm && tcb->warm->ooo.n > 0))
		return false;
	/* Nothing is unread where there is no store: it begins here. */
	if (!tcb->store)
		tcb->store = pages_new_with(&env->pages, offset, text, n, MEM_RESERVED);
	else if (pages_write(&env->pages, tcb->store, offset, text, n, MEM_RESERVED) < n)
		return false; /* once more, the long way: what was written stays where it is */
	if (!tcb->store)
		return false;
	advance(tcb, seq_add(tcb->rcv.nxt, n));
	if (n > tcb->rcv.mss)
		tcb->rcv.mss = (uint16_t)min_u32(n, max_u32(tcb->rcv.mss, tcb_cold(tcb)->peer_mss));
	tcb->ready |= TERN_READABLE;
	acknowledge_in_order(tcb, false, now);
	return true;
}

static enum tern_verdict in_order(struct tcb *tcb, struct arrival *in, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool had_gap = warm && warm->ooo.n > 0;
	const uint32_t taken = take_in_order(tcb, in);
	seq_t nxt = seq_add(tcb->rcv.nxt, taken);

	if (taken == 0) {
		give_up_empty_store(tcb);
		in->fin = false;
		tcb_env(tcb)->stats.TCPMemoryPressures++;
		tcb->due |= DUE_ACK;
		return TERN_VERDICT_NO_MEMORY;
	}
	if (taken < in->len)
		in->fin = false;
	if (had_gap)
		nxt = reassembly_advance(&warm->ooo, nxt);
	if (tcb->receive_shut)
		tcb->rcv.read = nxt;
	took(tcb, in->seq, nxt, in->len, had_gap, now);
	return TERN_VERDICT_ACCEPTED;
}

/* The rule is header prediction's (is_plain() in arrive_synchronized.c); of the segment before it is known already
 * that timestamps, ACK and window say nothing new. Where something waits or flies, or somebody looks on, the steps
 * are gone through. */
static bool more_is_plain(const struct tcb *tcb, const struct tcp_more *more)
{
	const struct tcb_warm *const warm = tcb->warm;

	return tcb->state == ESTABLISHED && seq_eq(more->seq, tcb->rcv.nxt) && more->text_len > 0 &&
	       !tcb->ecn_ok && !tcb->receive_shut &&
	       (!warm || (warm->flight.n == 0 && warm->ooo.n == 0 && !warm->ooo.fin_seen)) &&
	       !tcb_is_orphan(tcb) && !env_is_watched(tcb_env(tcb));
}

/* Where a run's text goes: what is left of a posted buffer, or, where there was none, the store. */
struct run_place {
	uint8_t *posted; /* or NULL */
	uint32_t room;
};

/* Puts text of n octets to its place and adds its sum, unless sum is NULL. False: there is none, or not enough. */
static bool put(struct tcb *tcb, const struct run_place *place, const uint8_t *text, uint32_t n, seq_t seq,
		uint32_t *sum)
{
	struct pages_pool *const pool = &tcb_env(tcb)->pages;

	if (place->posted) {
		if (place->room < n) /* the rest goes to the store */
			return false;
		if (sum)
			*sum = pool->unit->copy(*sum, place->posted, text, n);
		else
			memcpy(place->posted, text, n);
		return true;
	}
	if (!tcb->store)
		return false;
	if (sum)
		return pages_write_sum(pool, tcb->store, rcv_offset(tcb, seq), text, n, MEM_RESERVED, sum) == n;
	return pages_write(pool, tcb->store, rcv_offset(tcb, seq), text, n, MEM_RESERVED) == n;
}

/* n segments of `each` octets have their place from seq: what took() would do after each, once. None opens the window,
 * since nothing is read meanwhile, and whether an ACK is due the first and the last say: between them the first's
 * reasons only end, and the last's only grow. */
static void took_run(struct tcb *tcb, seq_t seq, uint32_t n, uint32_t each, tern_time now)
{
	took(tcb, seq, seq_add(seq, each), each, false, now);
	if (n > 1) {
		advance(tcb, seq_add(seq, n * each));
		acknowledge_in_order(tcb, false, now);
	}
	const uint32_t ahead = seq_sub(tcb->snd.wl1, seq_add(seq, 0u - each)); /* of the segment before the first */

	if (ahead < n * each && ahead % each == 0)
		tcb->snd.wl1 = seq_add(seq, (n - 1) * each);
	tcb_env(tcb)->stats.TernVerdict[TERN_VERDICT_ACCEPTED] += n;
	tcb_cold(tcb)->segments_in += n;
}

/* Summed while it is put to its place beyond RCV.NXT, where nobody looks: it counts once the sum is right. */
uint32_t tcp_arrive_more(struct tcb *tcb, const struct tcp_more *more, tern_time now)
{
	const uint32_t each = more->text_len, wnd = rcv_wnd(tcb);
	struct run_place place = { .posted = NULL };
	seq_t seq = more->seq;
	uint32_t n = 0;

	if (!more_is_plain(tcb, more))
		return 0;
	place.room = post_room(tcb, &place.posted);
	if (place.room == 0)
		place.posted = NULL;
	for (; n < more->n && (n + 1) * each <= wnd; n++) {
		uint32_t sum = more->sum ? more->sum[n] : 0;

		if (!put(tcb, &place, more->text[n], each, seq, more->sum ? &sum : NULL))
			break;
		if (more->sum && !checksum_is_right(sum))
			break;
		seq = seq_add(seq, each);
		if (place.posted)
			place.posted += each, place.room -= each;
	}
	if (n == 0)
		return 0;
	if (place.posted)
		post_of(tcb)->n += n * each;
	took_run(tcb, more->seq, n, each, now);
	return n;
}

/* Each gap that [left, right) fills is put at its place; what is here already stays as it is. */
static bool hold(struct tcb *tcb, const struct arrival *in)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct reassembly *const ooo = &tcb->warm->ooo;
	const seq_t right = seq_add(in->seq, in->len);
	struct pages *const store = text_store(tcb, MEM_ORDINARY);
	seq_t left = in->seq, gap_left, gap_right;

	while (store && reassembly_gap(ooo, left, right, &gap_left, &gap_right)) {
		const uint32_t n = seq_sub(gap_right, gap_left);

		if (!reassembly_has_room(ooo, env->mem, gap_left, gap_right))
			return false;
		if (pages_write(&env->pages, store, rcv_offset(tcb, gap_left), in->text + seq_sub(gap_left, in->seq),
				n, MEM_ORDINARY) < n)
			return false;
		if (!reassembly_add(ooo, env->mem, gap_left, gap_right))
			return false;
		left = gap_right;
	}
	return store != NULL;
}

/* Text beyond RCV.NXT (SHLD-31): held, and acknowledged at once with what is missing (RFC 5681 4.2; MAY-13).
 * (RFC5681-3.2-1) */
static enum tern_verdict out_of_order(struct tcb *tcb, struct arrival *in, tern_time now)
{
	struct tcb_warm *const warm = tcb_warm_up(tcb, now);
	struct tern_stats *const stats = &tcb_env(tcb)->stats;
	seq_t gap_left, gap_right;

	tcb->due |= DUE_ACK;
	if (!warm || tcb->receive_shut) {
		stats->TCPOFODrop++;
		return TERN_VERDICT_NO_MEMORY;
	}
	if (!reassembly_gap(&warm->ooo, in->seq, seq_add(in->seq, in->len), &gap_left, &gap_right)) {
		if (tcb_tells_duplicates(tcb)) /* RFC 2883 4.1.1: a duplicate of something beyond the gap */
			warm->dsack = (struct tern_sack_block){ in->seq.v, seq_add(in->seq, in->len).v };
		reassembly_came_again(&warm->ooo, in->seq);
		stats->TCPDSACKOfoSent += tcb_tells_duplicates(tcb);
		return TERN_VERDICT_DUPLICATE;
	}
	if (!hold(tcb, in)) {
		stats->TCPOFODrop++;
		give_up_empty_store(tcb);
		return TERN_VERDICT_NO_MEMORY;
	}
	stats->TCPOFOQueue++;
	return TERN_VERDICT_OUT_OF_ORDER;
}

enum tern_verdict arrive_text(struct tcb *tcb, struct arrival *in, tern_time now)
{
	if (tcb->state == ESTABLISHED && seq_eq(in->seq, tcb->rcv.nxt) && in->len > 0 &&
	    arrive_text_plain(tcb, in->text, in->len, now))
		return TERN_VERDICT_ACCEPTED;
	if (in->len == 0)
		return seq_gt(in->seq, tcb->rcv.nxt) && in->fin ? TERN_VERDICT_OUT_OF_ORDER : TERN_VERDICT_ACCEPTED;
	if (!state_receives((enum tcp_state)tcb->state)) { /* the peer has sent its FIN: "should not occur" */
		in->fin = false;
		tcb->due |= DUE_ACK;
		return TERN_VERDICT_DUPLICATE;
	}
	if (tcb_is_orphan(tcb)) { /* nobody will ever read it (RFC 9293 3.6.1, SHLD-3) */
		tcb_env(tcb)->stats.TCPAbortOnData++;
		tcp_abort(tcb, TERN_WHY_TEXT_UNREAD, 0, now);
		return TERN_VERDICT_TEXT_AFTER_CLOSE;
	}
	if (seq_eq(in->seq, tcb->rcv.nxt))
		return in_order(tcb, in, now);
	return out_of_order(tcb, in, now);
}

/* The peer's FIN is next in order: RCV.NXT passes it. */
static void take_fin(struct tcb *tcb, tern_time now)
{
	advance(tcb, seq_add(tcb->rcv.nxt, 1));
	tcb->fin_received = true;
	tcb->rcv.wnd_edge = seq_max(tcb->rcv.wnd_edge, tcb->rcv.nxt);
	tcb->ready |= TERN_READABLE | TERN_PEER_CLOSED;
	tcb->due |= DUE_ACK;
	if (tcb->warm)
		reassembly_release(&tcb->warm->ooo, tcb_env(tcb)->mem);
	switch ((enum tcp_state)tcb->state) {
	case ESTABLISHED:
		tcb_enter(tcb, CLOSE_WAIT, TERN_WHY_FIN_ARRIVED, now);
		break;
	case FIN_WAIT_1:
		if (our_fin_is_acked(tcb))
			tcb_enter(tcb, TIME_WAIT, TERN_WHY_FIN_AND_ACK_ARRIVED, now);
		else
			tcb_enter(tcb, CLOSING, TERN_WHY_FIN_ARRIVED, now);
		break;
	case FIN_WAIT_2:
		tcb_enter(tcb, TIME_WAIT, TERN_WHY_FIN_ARRIVED, now);
		break;
	default:
		tern_assert(false);
	}
}

/* A FIN beyond a gap waits until the gap is filled. */
static void remember_fin(struct tcb *tcb, seq_t fin, tern_time now)
{
	struct tcb_warm *const warm = tcb_warm_up(tcb, now);

	tcb->due |= DUE_ACK;
	if (!warm)
		return; /* it will come again */
	warm->ooo.fin_seen = true;
	warm->ooo.fin = fin;
}

void arrive_fin(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const seq_t fin = seq_add(in->seq, in->len);

	if (!state_receives((enum tcp_state)tcb->state))
		return;
	if (in->fin && seq_gt(fin, tcb->rcv.nxt))
		remember_fin(tcb, fin, now);
	else if (in->fin || (tcb->warm && tcb->warm->ooo.fin_seen && seq_eq(tcb->warm->ooo.fin, tcb->rcv.nxt)))
		take_fin(tcb, now);
}
