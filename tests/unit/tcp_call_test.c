/* call.c: OPEN, SEND, RECEIVE, CLOSE, ABORT (RFC 9293 3.10.1-3.10.5), by state. */
#include "tcp/emit.h"
#include "unit/tcp_rig.h"

static const struct {
	enum tcp_state state;
	void (*way)(struct rig *);
} ways[] = {
	{ ESTABLISHED, NULL },	    { FIN_WAIT_1, closes_first }, { FIN_WAIT_2, in_fin_wait_2 },
	{ CLOSE_WAIT, in_close_wait }, { CLOSING, in_closing },	   { LAST_ACK, in_last_ack },
};

enum { WAYS = sizeof ways / sizeof *ways };

static void begin_in(struct rig *r, size_t i)
{
	rig_end(r);
	rig_begin(r);
	established(r);
	if (ways[i].way)
		ways[i].way(r);
	in_state(r, ways[i].state);
}

/* 3.10.2: what SEND says in each state. */
static void send_by_state(struct rig *r)
{
	const uint8_t text[] = { rig_octet(0), rig_octet(1) };

	for (size_t i = 0; i < WAYS; i++) {
		const bool may = ways[i].state == ESTABLISHED || ways[i].state == CLOSE_WAIT;

		begin_in(r, i);
		assert_int_equal(tcp_send(r->tcb, text, 1, 0, r->now), may ? 1 : -TERN_EPIPE);
		assert_int_equal(tcp_send_owned(r->tcb, text + 1, 1, 0, NULL, NULL, r->now), may ? 1 : -TERN_EPIPE);
		assert_int_equal((tcp_ready(r->tcb) & TERN_WRITABLE) != 0, may);
		drain(r);
	}
	rig_end(r);
	rig_begin(r);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EPIPE); /* CLOSED */
}

/* 3.10.2: "no more than there is room for": the buffer, and no more than 64 KiB ahead of the window. */
static void send_takes_what_there_is_room_for(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 5000, r->now);
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 0, 8000), 8000, 0, r->now), 5000);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN);
	drain(r);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN); /* sent, and not yet acknowledged */
	rx(r, TCP_ACK, 1, 1461, 0);
	assert_int_equal(tcp_send(r->tcb, r->text + 5000, 3000, 0, r->now), 1460);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 1000, r->now); /* less than it holds */
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN);

	rig_end(r);
	rig_begin(r);
	r->peer.wnd = 1000;
	established(r);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 1 << 20, r->now);
	assert_int_equal(tcp_send(r->tcb, r->text, sizeof r->text, 0, r->now), 1000 + TCP_UNSENT_AHEAD);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN);
}

/* RFC 6429: where memory is short, a peer that takes nothing holds one segment, not a buffer. */
static void a_shut_window_holds_one_segment_of_scarce_memory(struct rig *r)
{
	established(r);
	writes(r, 1, 100);
	drain(r);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 101, 0);
	const size_t limit = r->mem.limit;
	r->mem.limit = r->mem.reserve + r->mem.used + r->mem.used / 10;
	assert_true(mem_is_tight(&r->mem));
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 100, 8000), 8000, 0, r->now), 1460);
	assert_int_equal(tcp_send(r->tcb, r->text + 1460, 1, 0, r->now), -TERN_EAGAIN);
	r->mem.limit = limit;
	assert_int_equal(tcp_send(r->tcb, r->text + 1460, 8000 - 1460, 0, r->now), 8000 - 1460);
}

/* 3.10.3: in each state, nothing there, and text there. */
static void receive_by_state(struct rig *r)
{
	for (size_t i = 0; i < WAYS; i++) {
		const bool ended = ways[i].state == CLOSE_WAIT || ways[i].state == CLOSING || ways[i].state == LAST_ACK;

		begin_in(r, i);
		assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), ended ? 0 : -TERN_EAGAIN);
		assert_int_equal((tcp_ready(r->tcb) & TERN_READABLE) != 0, ended);
		if (ended)
			continue;
		rx(r, TCP_ACK, 1, ways[i].state == ESTABLISHED ? 1 : 2, 10);
		assert_true(tcp_ready(r->tcb) & TERN_READABLE);
		reads(r, 1, 4);
		reads(r, 5, 6);
		assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), -TERN_EAGAIN);
		assert_null(r->tcb->store); /* nothing unread, nothing held */
	}
}

/* 3.10.5: "send a reset" from SYN-RECEIVED on; SYN-SENT tells nobody. */
static void abort_by_state(struct rig *r)
{
	for (size_t i = 0; i < WAYS; i++) {
		begin_in(r, i);
		const uint32_t nxt = r->tcb->snd.nxt.v - r->iss, ack = r->tcb->rcv.nxt.v - r->irs;

		tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
		in_state(r, CLOSED);
		sends(r, TCP_RST | TCP_ACK, nxt, ack, 0);
		is_quiet(r);
		assert_null(r->tcb->warm);
	}
	rig_end(r);
	rig_begin(r);
	opens(r);
	tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
	in_state(r, CLOSED);
	is_quiet(r);
	rig_end(r);
	rig_begin(r);
	opens_simultaneously(r);
	tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
	sends(r, TCP_RST | TCP_ACK, 1, 1, 0);
}

/* 3.10.4: shutdown again and again says 0; the states stand. */
static void shutdown_by_state(struct rig *r)
{
	static const enum tcp_state after[WAYS] = { FIN_WAIT_1, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, CLOSING, LAST_ACK };

	for (size_t i = 0; i < WAYS; i++) {
		begin_in(r, i);
		for (unsigned n = 0; n < 2; n++) {
			assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
			in_state(r, after[i]);
			drain(r);
		}
	}
	rig_end(r);
	rig_begin(r);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), -TERN_ENOTCONN);
}

/* The FIN comes after all that was queued, however many segments that takes. */
static void shutdown_fin_follows_the_text(struct rig *r)
{
	established(r);
	writes(r, 1, 2 * RIG_MSS + 100);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	sends(r, TCP_ACK, 1, 1, RIG_MSS);
	sends(r, TCP_ACK, 1 + RIG_MSS, 1, RIG_MSS);
	sends(r, TCP_ACK | TCP_FIN, 1 + 2 * RIG_MSS, 1, 100);
	is_quiet(r);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EPIPE);
	rx(r, TCP_ACK, 1, 101 + 2 * RIG_MSS, 0);
	in_state(r, FIN_WAIT_1);
	rx(r, TCP_ACK, 1, 102 + 2 * RIG_MSS, 0);
	in_state(r, FIN_WAIT_2);
	assert_int_equal(status_of(r).bytes_acked, 2 * RIG_MSS + 100);
}

/* A lost FIN goes again. */
static void shutdown_lost_fin_goes_again(struct rig *r)
{
	established(r);
	closes_first(r);
	expires(r);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	assert_true(r->out.retransmitted);
	rx(r, TCP_ACK, 1, 2, 0);
	in_state(r, FIN_WAIT_2);
}

/* 3.10.4: CLOSE in SYN-RECEIVED: the FIN at once, or after the text once ESTABLISHED. */
static void shutdown_in_syn_received(struct rig *r)
{
	opens_simultaneously(r);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	in_state(r, FIN_WAIT_1);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rx(r, TCP_ACK, 1, 2, 0);
	in_state(r, FIN_WAIT_2);
	rig_end(r);
	rig_begin(r);
	opens_simultaneously(r);
	writes(r, 1, 10);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	in_state(r, SYN_RECEIVED);
	rx(r, TCP_ACK, 1, 1, 0);
	in_state(r, FIN_WAIT_1);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 10);
}

/* CLOSE in SYN-SENT: the block goes. */
static void close_in_syn_sent_tells_nobody(struct rig *r)
{
	opens(r);
	tcp_close(r->tcb, r->now);
	in_state(r, CLOSED);
	is_quiet(r);
	assert_true(tcp_is_over(r->tcb));
}

/* SHLD-3: letting go with text unread tells the peer by RST that it was lost (MAY-1). */
static void close_with_text_unread_resets(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 10);
	tcp_close(r->tcb, r->now);
	in_state(r, CLOSED);
	sends(r, TCP_RST | TCP_ACK, 1, 11, 0);
	assert_true(tcp_is_over(r->tcb));
	assert_int_equal(r->env.stats.TCPAbortOnClose, 1);
}

static void close_with_linger_0_resets(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_LINGER, 0, r->now);
	writes(r, 1, 10);
	tcp_close(r->tcb, r->now);
	sends(r, TCP_RST | TCP_ACK, 1, 1, 0);
	is_quiet(r);
	assert_true(tcp_is_over(r->tcb));
}

/* MUST-12: the program can tell a close from an abort. */
static void closed_and_reset_look_different(struct rig *r)
{
	established(r);
	in_last_ack(r);
	rx(r, TCP_ACK, 2, 2, 0);
	in_state(r, CLOSED);
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), 0);
	assert_false(tcp_ready(r->tcb) & TERN_ERROR);
	rig_end(r);
	rig_begin(r);
	established(r);
	rx(r, TCP_RST, 1, 0, 0);
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), -TERN_ECONNRESET);
	assert_true(tcp_ready(r->tcb) & TERN_ERROR);
}

/* Room to send ends, and the program is told when there is some again. */
static void send_full_says_again_and_wakes(struct rig *r)
{
	size_t queued = 0;
	ptrdiff_t n;

	established(r);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 1, 0);
	while ((n = tcp_send(r->tcb, rig_octets(r, (uint32_t)queued, 10000), 10000, 0, r->now)) > 0)
		queued += (size_t)n;
	assert_int_equal(n, -TERN_EAGAIN);
	assert_int_equal(queued, 65536); /* what the window takes, and 64 KiB ahead */
	assert_false(tcp_ready(r->tcb) & TERN_WRITABLE);
	r->tcb->ready = 0;
	r->peer.wnd = 65535;
	rx(r, TCP_ACK, 1, 1, 0);
	drain(r);
	rx(r, TCP_ACK, 1, 1 + 10 * RIG_MSS, 0);
	drain(r);
	assert_true(r->tcb->ready & TERN_WRITABLE);
}

static unsigned released;

static void release(void *context, const void *from, size_t n)
{
	struct rig *const r = context;

	assert_ptr_equal(from, r->text);
	assert_int_equal(n, 3000);
	released++;
}

/* The program's memory is given back once, when the last octet is acknowledged, or the connection ends. */
static void send_owned_is_released_once(struct rig *r)
{
	for (unsigned aborts = 0; aborts < 2; aborts++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		released = 0;
		rig_octets(r, 0, 3000);
		assert_int_equal(tcp_send_owned(r->tcb, r->text, 3000, 0, release, r, r->now), 3000);
		assert_int_equal(drain(r), 2);
		rx(r, TCP_ACK, 1, 2921, 0);
		assert_int_equal(released, 0);
		drain(r);
		if (aborts)
			tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
		else
			rx(r, TCP_ACK, 1, 3001, 0);
		assert_int_equal(released, 1);
	}
}

static void send_owned_of_nothing_is_invalid(struct rig *r)
{
	established(r);
	assert_int_equal(tcp_send_owned(r->tcb, r->text, 0, 0, release, r, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_send_owned(r->tcb, r->text, (1u << 30) + 1, 0, release, r, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_send(r->tcb, r->text, 0, 0, r->now), 0);
	is_quiet(r);
	assert_null(r->tcb->warm);
}

static void send_without_memory_changes_nothing(struct rig *r)
{
	established(r);
	r->memory.fail_all = true;
	r->mem.limit = r->mem.used;
	pool_trim(&r->env.warm);
	slices_pool_trim(&r->env.slices);
	assert_int_equal(tcp_send(r->tcb, r->text, 10, 0, r->now), -TERN_ENOMEM);
	assert_int_equal(tcp_send_owned(r->tcb, r->text, 10, 0, release, r, r->now), -TERN_ENOMEM);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), -TERN_ENOMEM);
	tcb_check(r->tcb);
	in_state(r, ESTABLISHED);
	r->memory.fail_all = false;
	r->mem.limit = 64u << 20;
	writes(r, 1, 10);
	sends(r, TCP_ACK, 1, 1, 10);
}

static void open_without_memory_stays_closed(struct rig *r)
{
	r->memory.fail_all = true;
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), -TERN_ENOMEM);
	in_state(r, CLOSED);
	tcb_check(r->tcb);
	r->memory.fail_all = false;
	opens(r);
}

/* Peeking moves nothing; what is consumed is gone. */
static void peek_and_consume(struct rig *r)
{
	const uint8_t *at;

	established(r);
	assert_int_equal(tcp_peek(r->tcb, 0, &at), -TERN_EAGAIN);
	rx(r, TCP_ACK, 1, 1, 100);
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(tcp_peek(r->tcb, 0, &at), 100);
		assert_int_equal(at[5], rig_octet(5));
	}
	assert_int_equal(tcp_peek(r->tcb, 60, &at), 40);
	assert_int_equal(at[0], rig_octet(60));
	assert_int_equal(tcp_peek(r->tcb, 100, &at), -TERN_EAGAIN);
	assert_int_equal(tcp_consume(r->tcb, 101, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_consume(r->tcb, 60, r->now), 0);
	reads(r, 61, 40);
}

/* Four GiB later: SND.NXT stands at ISS again, and nothing takes the connection for a new one. */
static void numbers_at_iss_again_text_is_right(struct rig *r)
{
	struct tcp_out out;

	established(r);
	/* As if 2^32 - 1 octets had been sent and acknowledged. */
	r->tcb->snd.una = r->tcb->snd.nxt = r->tcb->snd.wl2 = seq(r->iss);
	tcb_cold(r->tcb)->sent_wraps = 1;
	tcb_check(r->tcb);
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 0xffffffff, 100), 100, 0, r->now), 100);
	assert_int_equal(status_of(r).unsent, 100);
	assert_true(tcp_emit(r->tcb, RIG_MSS, r->now, &out));
	assert_int_equal(out.seg.seq.v, r->iss);
	assert_int_equal(out.seg.text_len, 100);
	assert_int_equal(out.text_offset, 0xffffffff);
	r->out = out;
	assert_true(rig_text_is_right(r));
	assert_int_equal(status_of(r).unacked, 100);
	rx(r, TCP_ACK, 1, 100, 0);
	assert_int_equal(status_of(r).unacked, 0);
}

/* No memory for the place of a FIN: the peer is told by a reset, rather than nothing. */
static void close_without_memory_resets(struct rig *r)
{
	established(r);
	r->memory.fail_all = true;
	r->mem.limit = r->mem.used;
	pool_trim(&r->env.warm);
	slices_pool_trim(&r->env.slices);
	tcp_close(r->tcb, r->now);
	in_state(r, CLOSED);
	assert_int_equal(r->env.stats.TCPAbortOnMemory, 1);
	sends(r, TCP_RST | TCP_ACK, 1, 1, 0);
	r->memory.fail_all = false;
	r->mem.limit = 64u << 20;
}

static void aborted_in_syn_sent_every_call_says_so(struct rig *r)
{
	opens(r);
	for (unsigned i = 0; i < 2; i++) { /* again: nothing more */
		tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
		in_state(r, CLOSED);
		is_quiet(r);
	}
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), 0);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EPIPE);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), -TERN_ENOTCONN);
	assert_int_equal(tcp_shutdown_receive(r->tcb, r->now), -TERN_ENOTCONN);
}

/* What lies behind the text that is there: more may come, or it was the end. */
static void peek_beyond_the_text(struct rig *r)
{
	const uint8_t *at;

	established(r);
	rx(r, TCP_ACK, 1, 1, 100);
	assert_int_equal(tcp_peek(r->tcb, 100, &at), -TERN_EAGAIN);
	assert_int_equal(tcp_peek(r->tcb, 150, &at), -TERN_EAGAIN);
	rx(r, TCP_FIN | TCP_ACK, 101, 1, 0);
	assert_true(tcp_peek(r->tcb, 99, &at) == 1);
	assert_int_equal(tcp_peek(r->tcb, 100, &at), 0);
}

static void shut_for_receiving_reads_the_end(struct rig *r)
{
	established(r);
	assert_false(tcp_ready(r->tcb) & TERN_READABLE);
	assert_int_equal(tcp_shutdown_receive(r->tcb, r->now), 0);
	assert_true(tcp_ready(r->tcb) & TERN_READABLE);
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), 0);
	writes(r, 1, 10);
	sends(r, TCP_ACK, 1, 1, 10);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(send_by_state),
		CASE(send_takes_what_there_is_room_for),
		CASE(a_shut_window_holds_one_segment_of_scarce_memory),
		CASE(receive_by_state),
		CASE(abort_by_state),
		CASE(shutdown_by_state),
		CASE(shutdown_fin_follows_the_text),
		CASE(shutdown_lost_fin_goes_again),
		CASE(shutdown_in_syn_received),
		CASE(close_in_syn_sent_tells_nobody),
		CASE(close_with_text_unread_resets),
		CASE(close_with_linger_0_resets),
		CASE(closed_and_reset_look_different),
		CASE(send_full_says_again_and_wakes),
		CASE(send_owned_is_released_once),
		CASE(send_owned_of_nothing_is_invalid),
		CASE(send_without_memory_changes_nothing),
		CASE(open_without_memory_stays_closed),
		CASE(peek_and_consume),
		CASE(close_without_memory_resets),
		CASE(aborted_in_syn_sent_every_call_says_so),
		CASE(peek_beyond_the_text),
		CASE(shut_for_receiving_reads_the_end),
		CASE(numbers_at_iss_again_text_is_right),
	};

	return RIG_RUN("call", cases);
}
