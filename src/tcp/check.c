/* The invariants of a block at rest, between the host's calls: tcb_is_sound() says whether they hold (an
 * unpacked record must prove itself), tcb_check() asserts it (our own bug otherwise).
 *
 *   numbers     SND.UNA =< SND.NXT; RCV.READ =< RCV.NXT =< right edge; what was sent again or pushed lies before the
 *               end of what was sent or queued
 *   states      a FIN was sent or received exactly where the state says so
 *   memory      no warm record but for a reason, or kept for the next flight (warm.h); no store but for text; flight
 *               covers UNA to NXT, and its text is held
 *   recovery    one goes on exactly while what was in flight at its start is; its timers are of what flies
 *   liveness    whatever waits for the peer has a timer armed or is due to be sent: nothing waits for ever
 */
#include "base/assert.h"
#include "tcp/recovery.h"
#include "tcp/tcp.h"
#include "tcp/post.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* Of numbers that may stand far behind: half the circle on they would seem to lie ahead. */
static bool old_numbers_hold(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm || tcb->state < ESTABLISHED)
		return true;
	return seq_le(warm->push_end, seq_add(tcb->snd.nxt, tcb_unsent(tcb))) &&
	       seq_le(warm->undo.resent_end, tcb->snd.nxt);
}

static bool numbers_hold(const struct tcb *tcb)
{
	if (!seq_le(tcb->snd.una, tcb->snd.nxt) || tcb->snd.wnd > tcb->snd.max_wnd || !old_numbers_hold(tcb))
		return false;
	if (tcb->state == SYN_SENT || tcb->state == CLOSED)
		return true;
	return seq_le(tcb->rcv.read, tcb->rcv.nxt) && seq_le(tcb->rcv.nxt, tcb->rcv.wnd_edge) &&
	       seq_le(tcb->rcv.acked, tcb->rcv.nxt);
}

static bool state_fits(const struct tcb *tcb)
{
	const enum tcp_state state = (enum tcp_state)tcb->state;
	const bool after_fin = state == CLOSE_WAIT || state == CLOSING || state == LAST_ACK || state == TIME_WAIT;

	if (state > TIME_WAIT || state == LISTEN)
		return false;
	if (state == CLOSED)
		return !tcb->warm && !(tcb->due & ~DUE_RESET);
	if (tcb->fin_received != after_fin || (tcb->fin_sent && !tcb->fin_queued))
		return false;
	if (tcb->fin_sent && (state < FIN_WAIT_1 || state == CLOSE_WAIT))
		return false;
	if (tcb->fin_queued && (state == ESTABLISHED || state == CLOSE_WAIT)) /* CLOSE leaves both at once */
		return false;
	if (state == FIN_WAIT_2 || state == TIME_WAIT)
		return tcb->fin_sent && seq_eq(tcb->snd.una, tcb->snd.nxt);
	if (state == FIN_WAIT_1 || state == CLOSING || state == LAST_ACK)
		return tcb->fin_queued;
	return true;
}

static bool memory_fits(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	const bool from_half_open = tcb->state == SYN_RECEIVED && tcb->passive;

	if (post_holds(tcb) > tcb_unread(tcb) || (tcb_unread(tcb) > post_holds(tcb) && !tcb->store))
		return false;
	if (!warm)
		return from_half_open || tcb->state == CLOSED || seq_eq(tcb->snd.una, tcb->snd.nxt);
	if (warm->ooo.n > 0 && !tcb->store)
		return false;
	return flight_is_sound(&warm->flight, tcb->snd.una, tcb->snd.nxt) &&
	       reassembly_is_sound(&warm->ooo, tcb->rcv.nxt, tcb->rcv.wnd_edge);
}

/* The kind says that something waits just where something does; a SYN alone counts for nothing (chrono.h). */
static bool chrono_fits(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	const bool waits = tcb_unsent(tcb) > 0 || tcb_unacked(tcb) > 0;

	if (!warm)
		return true;
	if (warm->chrono.kind == CHRONO_NONE)
		return !waits;
	return waits || (tcb->fin_queued && !(tcb->fin_sent && seq_eq(tcb->snd.una, tcb->snd.nxt)));
}

/* What was sent and is not acknowledged is still there to be sent again. */
static bool text_fits(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm || tcb->state < ESTABLISHED)
		return true;
	const uint32_t octets = tcb_unacked(tcb), from = snd_offset(tcb, tcb->snd.una);
	if (!warm->text || (octets == 0 && tcb->fin_sent))
		return octets == 0;
	const uint32_t before = from - slices_base(warm->text), held = slices_end(warm->text) - slices_base(warm->text);
	return before <= held && octets <= held - before;
}

static bool recovery_fits(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm || tcb->state < ESTABLISHED)
		return true;
	if (warm->flight.n == 0 && (warm->reordering_at != TERN_NEVER || warm->probe_at != TERN_NEVER))
		return false;
	if (warm->recovery >= TERN_RECOVERY_CWR && !seq_lt(tcb->snd.una, warm->recover))
		return false;
	if (warm->prr.recover_fs > 0 && warm->recovery != TERN_RECOVERY_FAST && warm->recovery != TERN_RECOVERY_CWR)
		return false;
	if (warm->undo.frto != FRTO_OFF && warm->recovery != TERN_RECOVERY_LOSS)
		return false;
	return warm->undo.needless <= warm->undo.resent && warm->rack.reo_wnd_mult > 0 && warm->cc.cwnd >= warm->cc.mss;
}

/* A full segment that both windows have room for, and nothing to say that more flies than seems so. */
static bool full_segment_waits(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (tcb->state < ESTABLISHED || warm->recovery != TERN_RECOVERY_OPEN || warm->flight.sacked > 0)
		return false;
	return tcb_unsent(tcb) >= tcb->mss &&
	       window_usable(tcb) >= tcb->mss && recovery_in_flight(tcb) + tcb->mss <= warm->cc.cwnd;
}

/* Text or a FIN that waits has something that will move it. */
static bool sending_is_alive(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm || tcb->due & (DUE_TEXT | DUE_SYN | DUE_PROBE))
		return true;
	if (full_segment_waits(tcb) && warm->pace_at == TERN_NEVER && warm->override_at == TERN_NEVER)
		return false; /* only the pacer, or a lack of memory, holds it back */
	if (warm->flight.n > 0)
		return warm->retransmit_at != TERN_NEVER;
	if (tcb->state < ESTABLISHED || (tcb_unsent(tcb) == 0 && (!tcb->fin_queued || tcb->fin_sent)))
		return true;
	return warm->persist_at != TERN_NEVER || warm->override_at != TERN_NEVER || warm->pace_at != TERN_NEVER;
}

static bool is_alive(const struct tcb *tcb)
{
	if (tcb->state == CLOSED || tcb->state == TIME_WAIT)
		return true;
	if (tcb_is_orphan(tcb) && tcb->state >= ESTABLISHED && tcb_cold(tcb)->orphan_ms == 0)
		return false;
	if (tcb->ack_pending && tcb->delayed_ack_at == TERN_NEVER && !(tcb->due & DUE_ACK))
		return false;
	return sending_is_alive(tcb);
}

bool tcb_is_sound(const struct tcb *tcb)
{
	return numbers_hold(tcb) && state_fits(tcb) && memory_fits(tcb) && text_fits(tcb) && recovery_fits(tcb) &&
	       chrono_fits(tcb) && is_alive(tcb);
}

void tcb_check(const struct tcb *tcb)
{
	tern_assert(!tcb->free);
	tern_assert(numbers_hold(tcb));
	tern_assert(state_fits(tcb));
	tern_assert(memory_fits(tcb));
	tern_assert(text_fits(tcb));
	tern_assert(recovery_fits(tcb));
	tern_assert(chrono_fits(tcb));
	tern_assert(is_alive(tcb));
}
