/* What ICMP tells a connection: RFC 9293 3.9.2.2, tightened by RFC 5927. A synchronized connection is
 * never killed by ICMP: hard errors count as soft there, since a forger needs only the tuple and a
 * guess; while opening, a hard error about our SYN ends the attempt. */
#include "tcp/flight.h"
#include "tcp/path.h"
#include "tcp/plpmtud.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static void note(const struct tcb *tcb, enum tern_note what, uint32_t value, tern_time now)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	watch_note(tcb_env(tcb), &tuple, (enum tcp_state)tcb->state, what, value, now);
}

/* RFC 5927 4.1: the quote must be of something in flight. */
static bool quotes_flight(const struct tcb *tcb, seq_t quoted)
{
	return seq_le(tcb->snd.una, quoted) && seq_lt(quoted, tcb->snd.nxt);
}

void tcp_path_mtu(struct tcb *tcb, uint32_t mtu, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	uint16_t mss;

	if (!state_is_synchronized((enum tcp_state)tcb->state))
		return;
	plpmtud_told(tcb, mtu);
	mss = plpmtud_mss(tcb, mtu);
	if (mss == tcb->mss)
		return;
	note(tcb, TERN_NOTE_PATH_MTU, mtu, now);
	if (warm && mss < tcb->mss) {
		/* What flies beyond the new size is lost: it goes again, cut (RFC 1191 6.5). Without memory for
		 * that it goes out as it is, to be fragmented or lost. */
		if (flight_lose_longer(&warm->flight, mss, &warm->rate) > 0) {
			flight_recut(&warm->flight, tcb_env(tcb)->mem, mss);
			warm->retransmit_now = true;
			warm->recut = true;
			tcb->due |= DUE_TEXT;
		}
	}
	path_mss_changed(tcb, mss);
	if (warm)
		tcb->due |= DUE_TEXT; /* a segment of this size may fit where the last did not */
}

bool tcp_icmp_arrives(struct tcb *tcb, const struct tcp_icmp *icmp, bool v6, tern_time now)
{
	const bool opening = tcb->state == SYN_SENT || tcb->state == SYN_RECEIVED;
	const int error = icmp->error < 0 ? -icmp->error : icmp->error;

	(void)v6;
	if (tcb->state == CLOSED || tcb->state == TIME_WAIT || !quotes_flight(tcb, (seq_t){ icmp->seq }))
		return false;
	if (icmp->mtu) {
		if (opening && tcb->warm)
			tcb->warm->mtu = (uint16_t)(icmp->mtu < tcb->warm->mtu ? icmp->mtu : tcb->warm->mtu);
		tcp_path_mtu(tcb, icmp->mtu, now);
		return true;
	}
	tcb_cold(tcb)->soft_error = (uint8_t)error;
	if (opening && icmp->hard) { /* SHLD-26, while there is nothing to lose */
		tcb_cold(tcb)->error = (uint8_t)error;
		tcb_env(tcb)->stats.AttemptFails++;
		tcb_enter(tcb, CLOSED, TERN_WHY_ICMP, now);
		return true;
	}
	if (!tcb->advice_off)
		tcb->ready |= TERN_ADVICE; /* MUST-47, SHLD-25 */
	note(tcb, TERN_NOTE_SOFT_ERROR, (uint32_t)error, now); /* MUST-56: and goes on */
	return true;
}
