/* The calls: OPEN, SEND, RECEIVE, CLOSE, ABORT (RFC 9293 3.10.1-3.10.5). STATUS is status.c's. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/call.h"
#include "tcp/ecn.h"
#include "tcp/emit.h"
#include "tcp/negotiate.h"
#include "tcp/path.h"
#include "tcp/post.h"
#include "tcp/timers.h"
#include "tcp/tune.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* ---- OPEN, 3.10.1 ---- */

static void begin_numbers(struct tcb *tcb, seq_t iss, uint32_t ts_offset)
{
	tcb->snd.iss = tcb->snd.una = tcb->snd.nxt = iss;
	tcb->ts.offset = ts_offset;
}

int tcp_open_active(struct tcb *tcb, uint32_t mtu, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;
	struct tcb_warm *warm;
	uint32_t ts_offset;
	seq_t iss;

	tern_assert(tcb->state == CLOSED || tcb->state == LISTEN); /* LISTEN: passive to active */
	tcb_get_tuple(tcb, &tuple);
	tcp_numbers(env, &tuple, &iss, &ts_offset, now);
	begin_numbers(tcb, iss, ts_offset);
	warm = tcb_warm_up(tcb, now);
	if (!warm || !flight_reserve(&warm->flight, env->mem, 1)) {
		tcb_warm_drop(tcb);
		return -TERN_ENOMEM;
	}
	warm->mtu = (uint16_t)min_u32(mtu, 65535);
	tcb_cold(tcb)->heard_ms = time_to_ms(now);
	env->stats.ActiveOpens++;
	tcb_enter(tcb, SYN_SENT, TERN_WHY_OPEN_ACTIVE, now);
	tcb->due |= DUE_SYN;
	return 0;
}

void tcp_open_from_half(struct tcb *tcb, const struct tcp_agreement *agreed, uint32_t mtu, tern_time now)
{
	tern_assert(tcb->state == CLOSED);
	begin_numbers(tcb, agreed->iss, agreed->ts_offset);
	tcb->snd.nxt = seq_add(agreed->iss, 1); /* the SYN-ACK left long ago; nothing of it is kept */
	tcb->passive = true;
	tcb->state = SYN_RECEIVED; /* the entry told the watcher when it was made */
	negotiate_take(tcb, agreed, mtu);
	ecn_opened(tcb, agreed->ecn, now);
	tcb_cold(tcb)->heard_ms = time_to_ms(now);
	tcb_env(tcb)->stats.PassiveOpens++;
}

/* ---- SEND, 3.10.2 ---- */

uint32_t emit_room(const struct tcb *tcb)
{
	const uint32_t unsent = tcb_unsent(tcb), queued = unsent + tcb_unacked(tcb);
	const uint32_t buffer = tune_send_buffer(tcb);
	/* What the window takes at once, and a little more, so that the next ACK finds text to send. */
	const uint32_t ahead = window_usable(tcb) + TCP_UNSENT_AHEAD;

	if (queued >= buffer || unsent >= ahead)
		return 0;
	/* What is left of memory is for those whose peers take text: the others may say one segment. */
	if (tcb->snd.wnd == 0 && mem_is_tight(tcb_env(tcb)->mem))
		return unsent == 0 ? min_u32(buffer - queued, tcb->mss) : 0;
	return min_u32(buffer - queued, ahead - unsent);
}

void emit_wake_writer(struct tcb *tcb)
{
	if (emit_room(tcb) < min_u32(TCP_UNSENT_AHEAD / 4, tune_send_buffer(tcb) / 4 + 1))
		return;
	tcb->write_blocked = false;
	tcb->ready |= TERN_WRITABLE;
}

/* Why SEND cannot be; 0: it can. */
static int send_error(const struct tcb *tcb)
{
	if (tcb->state == CLOSED)
		return tcb_cold(tcb)->error ? -tcb_cold(tcb)->error : -TERN_EPIPE;
	if (tcb->fin_queued || !state_sends((enum tcp_state)tcb->state))
		return -TERN_EPIPE; /* "connection closing" */
	return 0;
}

/* A store to append to. NULL: no memory. */
static struct slices *text_store(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb_warm_up(tcb, now);
	const bool syn_unsent = tcb->state < ESTABLISHED && seq_eq(tcb->snd.nxt, tcb->snd.iss);

	if (!warm)
		return NULL;
	if (!warm->text)
		warm->text = slices_new(&tcb_env(tcb)->slices, syn_unsent ? 0 : snd_offset(tcb, tcb->snd.nxt));
	return warm->text;
}

/* Numbers that stand still would seem to lie ahead once two gigabytes more are sent, so they follow SND.UNA. No call
 * queues as much, so once a call is often enough. */
static void old_numbers_follow(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;

	if (seq_lt(warm->push_end, tcb->snd.una))
		warm->push_end = tcb->snd.una;
	if (seq_lt(warm->undo.resent_end, tcb->snd.una))
		warm->undo.resent_end = tcb->snd.una;
}

static ptrdiff_t sent(struct tcb *tcb, size_t n, unsigned flags)
{
	struct tcb_warm *const warm = tcb->warm;

	tcb->more = (flags & TERN_SEND_MORE) != 0;
	if (warm && warm->text) {
		const seq_t end = seq_add(seq_add(tcb->snd.iss, 1), slices_end(warm->text));

		old_numbers_follow(tcb);
		if (flags & TERN_SEND_PUSH)
			warm->push_end = end;
		if (flags & TERN_SEND_URGENT) { /* RFC 9293 3.8.5; SND.UP is one beyond (MUST-62) */
			warm->up = end;
			warm->urgent = true;
			tcb->due |= DUE_ACK;
		}
	}
	if (tcb->state >= ESTABLISHED)
		tcb->due |= DUE_TEXT;
	return (ptrdiff_t)n;
}

ptrdiff_t tcp_send(struct tcb *tcb, const void *from, size_t n, unsigned flags, tern_time now)
{
	const int error = send_error(tcb);
	const uint32_t room = emit_room(tcb);
	struct slices *text;
	size_t taken;

	if (error)
		return error;
	if (n == 0)
		return sent(tcb, 0, flags);
	if (room == 0) {
		tcb->write_blocked = true;
		return -TERN_EAGAIN;
	}
	text = text_store(tcb, now);
	tcb_note_app_limit(tcb);
	taken = text ? slices_copy(&tcb_env(tcb)->slices, text, from, min_size(n, room)) : 0;
	if (taken == 0) {
		tcb_cool_down(tcb);
		return -TERN_ENOMEM;
	}
	chrono_queued(tcb, now);
	if (taken < n)
		tcb->write_blocked = true;
	return sent(tcb, taken, taken == n ? flags : flags & TERN_SEND_MORE);
}

ptrdiff_t tcp_send_owned(struct tcb *tcb, const void *from, size_t n, unsigned flags,
			 void (*release)(void *, const void *, size_t), void *context, tern_time now)
{
	int error = send_error(tcb);
	struct slices *text;

	if (error)
		return error;
	if (n == 0 || n > 1u << 30)
		return -TERN_EINVAL;
	if (emit_room(tcb) == 0) {
		tcb->write_blocked = true;
		return -TERN_EAGAIN;
	}
	if (tcb_unsent(tcb) + tcb_unacked(tcb) + n > 1u << 30) /* sequence numbers must stay comparable */
		return -TERN_EMSGSIZE;
	text = text_store(tcb, now);
	tcb_note_app_limit(tcb);
	error = text ? slices_own(&tcb_env(tcb)->slices, text, from, n, release, context) : -TERN_ENOMEM;
	if (error) {
		tcb_cool_down(tcb);
		return error;
	}
	chrono_queued(tcb, now);
	return sent(tcb, n, flags);
}

/* ---- RECEIVE, 3.10.3 ---- */

ptrdiff_t call_nothing_to_read(const struct tcb *tcb)
{
	if (tcb->state == CLOSED && tcb_cold(tcb)->error)
		return -tcb_cold(tcb)->error;
	if (tcb->fin_received || tcb->receive_shut || tcb->state == CLOSED)
		return 0;
	return -TERN_EAGAIN;
}

ptrdiff_t tcp_peek(struct tcb *tcb, size_t skip, const uint8_t **at)
{
	const uint32_t unread = tcb_unread(tcb);
	size_t n;

	if (skip >= unread || !tcb->store)
		return skip > 0 && skip == unread && !tcb->fin_received ? -TERN_EAGAIN : call_nothing_to_read(tcb);
	n = pages_peek(tcb->store, rcv_offset(tcb, tcb->rcv.read) + (uint32_t)skip, unread - skip, at);
	tern_assert(n > 0);
	return (ptrdiff_t)n;
}

int tcp_consume(struct tcb *tcb, size_t n, tern_time now)
{
	struct pages_pool *const pool = &tcb_env(tcb)->pages;

	if (n > tcb_unread(tcb))
		return -TERN_EINVAL;
	if (n == 0)
		return 0;
	tcb->rcv.read = seq_add(tcb->rcv.read, (uint32_t)n);
	if (tcb->urgent_received && seq_ge(tcb->rcv.read, (seq_t){ tcb_cold(tcb)->rcv_up }))
		tcb->urgent_received = false; /* read past: the next pointer is news, wherever it stands */
	if (tcb_unread(tcb) == 0 && (!tcb->warm || tcb->warm->ooo.n == 0)) {
		pages_free(pool, tcb->store); /* nothing is held: nothing is kept */
		tcb->store = NULL;
	} else {
		pages_release(pool, tcb->store, rcv_offset(tcb, tcb->rcv.read));
	}
	if (tcb->state != CLOSED)
		window_after_read(tcb, now);
	return 0;
}

/* A short message and nothing else. False: it is not so, or there is more to see to. */
static bool receive_all(struct tcb *tcb, void *to, size_t n, tern_time now)
{
	const uint32_t offset = rcv_offset(tcb, tcb->rcv.read);

	if (!tcb->store || tcb->urgent_received || tcb->state == CLOSED || (tcb->warm && tcb->warm->ooo.n > 0) ||
	    !pages_read_out(&tcb_env(tcb)->pages, tcb->store, offset, to, n))
		return false;
	tcb->store = NULL;
	tcb->rcv.read = seq_add(tcb->rcv.read, (uint32_t)n);
	window_after_read(tcb, now);
	return true;
}

ptrdiff_t tcp_receive(struct tcb *tcb, void *to, size_t n, tern_time now)
{
	const uint32_t unread = tcb_unread(tcb);
	size_t taken = 0;

	if (unread > 0 && unread <= n && receive_all(tcb, to, unread, now))
		return (ptrdiff_t)unread;
	while (taken < n && taken < unread) {
		const uint8_t *at;
		const ptrdiff_t piece = tcp_peek(tcb, taken, &at);
		const size_t some = min_size((size_t)piece, n - taken);

		memcpy((uint8_t *)to + taken, at, some);
		taken += some;
	}
	if (taken == 0)
		return n == 0 ? 0 : call_nothing_to_read(tcb);
	tcp_consume(tcb, taken, now);
	return (ptrdiff_t)taken;
}

/* ---- CLOSE, 3.10.4 ---- */

void call_fin_queued(struct tcb *tcb, tern_time now)
{
	if (!tcb->fin_queued)
		return;
	switch ((enum tcp_state)tcb->state) {
	case SYN_RECEIVED:
		if (tcb->warm && tcb->warm->text)
			return; /* "queue for processing after entering ESTABLISHED" */
		tcb_enter(tcb, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED, now);
		break;
	case ESTABLISHED:
		tcb_enter(tcb, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED, now);
		break;
	case CLOSE_WAIT:
		tcb_enter(tcb, LAST_ACK, TERN_WHY_CLOSE_CALLED, now);
		break;
	default:
		return;
	}
	tcb->due |= DUE_TEXT;
}

int tcp_shutdown(struct tcb *tcb, tern_time now)
{
	if (tcb->state == CLOSED)
		return tcb_cold(tcb)->error ? -tcb_cold(tcb)->error : -TERN_ENOTCONN;
	if (tcb->fin_queued || !state_sends((enum tcp_state)tcb->state))
		return 0;
	if (!tcb_warm_up(tcb, now)) /* the FIN needs its place in flight */
		return -TERN_ENOMEM;
	tcb->fin_queued = true;
	chrono_queued(tcb, now);
	tcb->more = false;
	call_fin_queued(tcb, now); /* in SYN-SENT it waits for ESTABLISHED */
	return 0;
}

int tcp_shutdown_receive(struct tcb *tcb, tern_time now)
{
	if (tcb->state == CLOSED)
		return -TERN_ENOTCONN;
	tcb->receive_shut = true;
	post_forget(tcb);
	return tcp_consume(tcb, tcb_unread(tcb), now);
}

/* Both directions at once, if the program likes (MAY-1). */
void tcp_close(struct tcb *tcb, tern_time now)
{
	const bool text_unread = tcb_unread(tcb) > 0;

	tcb->held = false;
	tcb_cold(tcb)->orphan_ms = 0; /* busy_us stood there */
	tcb->ready = 0;
	if (tcb->state == CLOSED || tcb->state == TIME_WAIT) {
		tcp_release(tcb);
		return;
	}
	if (tcb->state == SYN_SENT) { /* nothing is agreed: delete the block */
		tcb_enter(tcb, CLOSED, TERN_WHY_CLOSE_CALLED, now);
		return;
	}
	if (tcb_cold(tcb)->linger == 0) {
		tcb_env(tcb)->stats.TCPAbortOnLinger++;
		tcp_abort(tcb, TERN_WHY_ABORT_CALLED, 0, now);
		return;
	}
	if (text_unread && tcb->state != SYN_RECEIVED) { /* SHLD-3: the peer must learn that it was lost */
		tcb_env(tcb)->stats.TCPAbortOnClose++;
		tcp_abort(tcb, TERN_WHY_TEXT_UNREAD, 0, now);
		return;
	}
	if (tcp_shutdown(tcb, now) != 0) { /* no memory to close with: what is left is the RST */
		tcb_env(tcb)->stats.TCPAbortOnMemory++;
		tcp_abort(tcb, TERN_WHY_ABORT_CALLED, 0, now);
		return;
	}
	timers_orphaned(tcb, now);
}

/* ---- ABORT, 3.10.5 ---- */

void tcp_abort(struct tcb *tcb, enum tern_why why, int error, tern_time now)
{
	/* SYN-SENT has told nobody anything that an RST could take back. */
	const bool tells = state_is_synchronized((enum tcp_state)tcb->state) || tcb->state == SYN_RECEIVED;

	if (tcb->state == CLOSED || tcb->state == TIME_WAIT)
		return;
	tcb_cold(tcb)->error = (uint8_t)(error < 0 ? -error : error);
	if (tells)
		tcb->due |= DUE_RESET;
	tcb_enter(tcb, CLOSED, why, now);
}

bool tcp_is_over(const struct tcb *tcb)
{
	return tcb->state == CLOSED && !tcb->held && !tcb->listening && !(tcb->due & DUE_RESET);
}

void tcp_release(struct tcb *tcb)
{
	tcb_warm_drop(tcb);
	path_let_go(tcb);
	if (tcb->store)
		pages_free(&tcb_env(tcb)->pages, tcb->store);
	tcb->store = NULL;
	tcb->rcv.read = seq_add(tcb->rcv.nxt, 0u - tcb->fin_received);
}

void tcp_to_time_wait(const struct tcb *tcb, struct tcp_time_wait *out)
{
	*out = (struct tcp_time_wait){
		.snd_nxt = tcb->snd.nxt,
		.rcv_nxt = tcb->rcv.nxt,
		.ts_recent = tcb->ts.recent,
		.ts_offset = tcb->ts.offset,
		.ts_ok = tcb->ts_ok,
	};
}

unsigned tcp_ready(const struct tcb *tcb)
{
	const bool gone = tcb->state == CLOSED;
	unsigned ready = 0;

	if (tcb_unread(tcb) > 0 || tcb->fin_received || tcb->receive_shut || gone)
		ready |= TERN_READABLE;
	if (gone || (state_sends((enum tcp_state)tcb->state) && tcb->state >= ESTABLISHED && !tcb->fin_queued &&
		     emit_room(tcb) > 0))
		ready |= TERN_WRITABLE;
	if (tcb->state >= ESTABLISHED)
		ready |= TERN_CONNECTED;
	if (tcb->fin_received)
		ready |= TERN_PEER_CLOSED;
	if (gone || tcb->state == TIME_WAIT)
		ready |= TERN_CLOSED;
	if (gone && tcb_cold(tcb)->error)
		ready |= TERN_ERROR;
	if (tcb->urgent_received)
		ready |= TERN_URGENT;
	if (tcb->state >= ESTABLISHED && seq_eq(tcb->snd.una, tcb->snd.nxt) && tcb_unsent(tcb) == 0)
		ready |= TERN_DRAINED;
	return ready;
}

bool tcp_shed(struct tcb *tcb)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tcb_warm *const warm = tcb->warm;

	if (path_shed(tcb))
		return true;
	/* SACK is advisory (RFC 2018 8): what lies beyond RCV.NXT may go, and will come again. */
	if (!warm || warm->ooo.n == 0)
		return false;
	env->stats.TCPOFODrop += warm->ooo.n;
	reassembly_release(&warm->ooo, env->mem);
	pages_cut(&env->pages, tcb->store, rcv_offset(tcb, tcb->rcv.nxt));
	if (tcb_unread(tcb) == 0) {
		pages_free(&env->pages, tcb->store);
		tcb->store = NULL;
	}
	return true;
}
