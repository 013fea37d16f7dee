#include "tcp/plpmtud.h"
#include "base/bytes.h"
#include "tcp/negotiate.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/warm.h"
#include "tcp/window.h"

enum {
	BASE_TEXT = 1024,     /* Linux's tcp_base_mss */
	LEAST_TEXT = 512,     /* MIN_PLPMTU */
	LEAST_V6 = 1280,      /* RFC 8200 5: every link carries that */
	CLOSE_ENOUGH = 8,     /* Linux's tcp_probe_threshold */
	MAX_PROBES = 3,	      /* RFC 8899 5.1.2 */
	CWND_LEAST = 11,      /* segments, as in Linux: a probe is a tenth of what flies, at most */
	FOLLOWERS = 4,	      /* segments behind it, whose ACKs tell that it is lost */
};
static const tern_time raise_timer = 600 * TERN_SECOND;
static const tern_time pause_after_loss = TERN_SECOND;

static struct plpmtud *state_of(const struct tcb *tcb)
{
	struct tcb_path *const path = path_of(tcb);

	return path && path->plpmtud.low ? &path->plpmtud : NULL;
}

uint32_t plpmtud_packet(const struct tcb *tcb, uint32_t text)
{
	/* The difference is the headers, at any size that is not absurd. */
	return text + BASE_TEXT - negotiate_effective_mss(BASE_TEXT, UINT16_MAX, tcb->v6, tcb->ts_ok);
}

static uint16_t text_in(const struct tcb *tcb, uint32_t packet)
{
	return negotiate_effective_mss(packet, tcb_cold(tcb)->peer_mss, tcb->v6, tcb->ts_ok);
}

uint16_t plpmtud_mss(const struct tcb *tcb, uint32_t mtu)
{
	const struct plpmtud *const p = state_of(tcb);

	return text_in(tcb, p ? min_u32(mtu, p->low) : mtu);
}

static void note(const struct tcb *tcb, enum tern_note what, uint32_t value, tern_time now)
{
	struct tern_tuple tuple;

	if (!env_is_watched(tcb_env(tcb)))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_note(tcb_env(tcb), &tuple, (enum tcp_state)tcb->state, what, value, now);
}

/* What is lost and too long goes in pieces. Without memory emit.c asks again. */
static void recut(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;

	flight_recut(&warm->flight, tcb_env(tcb)->mem, tcb->mss);
	warm->recut = true;
	warm->retransmit_now = true;
	tcb->due |= DUE_TEXT;
}

/* ---- the search ---- */

static bool search_is_over(const struct plpmtud *p)
{
	return p->high == p->low || (p->high != p->most && p->high - p->low < CLOSE_ENOUGH);
}

/* The size to be tried next: the middle; at last the whole, which may never have been tried. */
static uint16_t next_size(const struct plpmtud *p)
{
	return (uint16_t)(p->high - p->low < CLOSE_ENOUGH ? p->high : p->low + (p->high - p->low + 1) / 2);
}

static void wait_until(struct plpmtud *p, tern_time at)
{
	p->waits = true;
	p->again_at = at;
}

static void size_is_settled(struct plpmtud *p, tern_time now)
{
	p->probe = 0;
	p->lost = 0;
	if (search_is_over(p))
		wait_until(p, now + raise_timer);
}

static void arrived(struct tcb *tcb, struct plpmtud *p, tern_time now)
{
	p->low = p->probe;
	size_is_settled(p, now);
	tcb_env(tcb)->stats.TCPMTUPSuccess++;
	path_mss_changed(tcb, plpmtud_mss(tcb, p->most));
	note(tcb, TERN_NOTE_PROBED_MTU, p->low, now);
}

static void lost(struct tcb *tcb, struct plpmtud *p, tern_time now)
{
	tcb_env(tcb)->stats.TCPMTUPFail++;
	wait_until(p, now + pause_after_loss);
	if (++p->lost < MAX_PROBES) {
		p->probe = 0; /* chance takes segments too */
		return;
	}
	p->high = (uint16_t)(p->probe - 1);
	size_is_settled(p, now);
}

uint32_t plpmtud_found(struct tcb *tcb, tern_time now)
{
	struct plpmtud *const p = state_of(tcb);
	const struct flight_record *record;
	uint32_t octets;

	if (!p || !p->probe)
		return 0;
	record = seq_lt(p->probe_seq, tcb->snd.una) ? NULL : flight_find(&tcb->warm->flight, p->probe_seq);
	if (!record || record->flags & FLIGHT_SACKED) {
		arrived(tcb, p, now);
		return 0;
	}
	if (!(record->flags & (FLIGHT_LOST | FLIGHT_AGAIN)))
		return 0;
	octets = record->flags & FLIGHT_LOST ? record->len : 0;
	lost(tcb, p, now);
	recut(tcb);
	return octets;
}

bool plpmtud_is_probe(const struct tcb *tcb, seq_t seq)
{
	const struct plpmtud *const p = state_of(tcb);

	return p && p->probe && seq_eq(p->probe_seq, seq);
}

/* Enough text behind it, enough room for all of it, and nothing that would hide what becomes of it. */
static bool can_probe(const struct tcb *tcb, uint32_t text)
{
	const struct tcb_warm *const warm = tcb->warm;
	const uint32_t needed = text + FOLLOWERS * (uint32_t)tcb->mss, in_flight = recovery_in_flight(tcb);

	return warm->recovery == TERN_RECOVERY_OPEN && warm->flight.sacked == 0 && warm->flight.n_lost == 0 &&
	       warm->backoff == 0 && warm->cc.cwnd >= CWND_LEAST * (uint32_t)tcb->mss &&
	       tcb_unsent(tcb) >= needed && window_usable(tcb) >= needed && !warm->urgent &&
	       in_flight < warm->cc.cwnd && warm->cc.cwnd - in_flight >= text;
}

uint32_t plpmtud_search(struct tcb *tcb, tern_time now)
{
	struct plpmtud *const p = state_of(tcb);
	uint32_t text;

	if (!p || p->probe || (p->waits && now < p->again_at))
		return 0;
	p->waits = false;
	if (search_is_over(p)) {
		wait_until(p, now + raise_timer);
		p->high = p->most; /* PMTU_RAISE_TIMER: the path may be another */
		if (search_is_over(p))
			return 0;
		p->waits = false;
	}
	text = text_in(tcb, next_size(p));
	if (text <= tcb->mss) { /* the peer takes no more */
		p->most = p->high = p->low;
		return 0;
	}
	return can_probe(tcb, text) ? text : 0;
}

void plpmtud_sent(struct tcb *tcb, seq_t seq, uint32_t text)
{
	struct plpmtud *const p = state_of(tcb);

	p->probe = (uint16_t)plpmtud_packet(tcb, text);
	p->probe_seq = seq;
}

/* ---- what else is known ---- */

static bool is_allowed(const struct tern_config *config)
{
	return !config->no_mtu_probing && !config->no_path_mtu_discovery;
}

static uint16_t floor_of(const struct tcb *tcb)
{
	return (uint16_t)(tcb->v6 ? LEAST_V6 : plpmtud_packet(tcb, LEAST_TEXT));
}

static uint16_t base_of(const struct tcb *tcb)
{
	return (uint16_t)(tcb->v6 ? LEAST_V6 : plpmtud_packet(tcb, BASE_TEXT));
}

/* The search is on, with the PLPMTU at `low` and all above it, up to what is sent now, in doubt. */
static struct plpmtud *start(struct tcb *tcb, uint16_t low)
{
	struct tcb_path *const path = path_attach(tcb);
	struct plpmtud *p;

	if (!path)
		return NULL;
	p = &path->plpmtud;
	if (!p->low)
		p->most = (uint16_t)plpmtud_packet(tcb, tcb->mss);
	p->low = low;
	p->high = p->most;
	p->probe = p->lost = 0;
	p->waits = false;
	return p;
}

void plpmtud_begin(struct tcb *tcb)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;

	if (config->mtu_probing < 2 || !is_allowed(config) || plpmtud_packet(tcb, tcb->mss) <= base_of(tcb))
		return;
	if (start(tcb, base_of(tcb)))
		tcb->mss = text_in(tcb, base_of(tcb));
}

void plpmtud_told(struct tcb *tcb, uint32_t mtu)
{
	struct plpmtud *const p = state_of(tcb);
	const uint16_t most = (uint16_t)min_u32(mtu, plpmtud_packet(tcb, tcb_cold(tcb)->peer_mss));

	if (!p || most == p->most)
		return;
	p->waits &= most < p->most; /* wider: another path, perhaps */
	p->high = most > p->most ? most : (uint16_t)min_u32(p->high, most);
	p->most = most;
	p->low = (uint16_t)min_u32(p->low, most);
	p->high = (uint16_t)max_u32(p->high, p->low);
	if (p->probe > most)
		p->probe = 0; /* told so, instead of found out: cut with the others */
}

/* What to try instead, where segments of this size do not get through; 0: nothing. */
static uint16_t smaller(const struct tcb *tcb, uint32_t packet)
{
	const uint16_t base = base_of(tcb), least = floor_of(tcb);

	if (packet > base)
		return base;
	return packet > least ? (uint16_t)max_u32(packet / 2, least) : 0;
}

void plpmtud_timed_out(struct tcb *tcb, tern_time now)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;
	struct tcb_warm *const warm = tcb->warm;
	uint16_t low;

	(void)plpmtud_look(tcb, now);
	if (!is_allowed(config) || tcb->state < ESTABLISHED ||
	    warm->flight.n == 0 || warm->backoff <= config->r1 || (warm->backoff - 1) % config->r1 != 0)
		return;
	low = smaller(tcb, plpmtud_packet(tcb, tcb->mss));
	if (!low || flight_at(&warm->flight, 0)->len <= text_in(tcb, low) || !start(tcb, low))
		return;
	path_mss_changed(tcb, text_in(tcb, low));
	recut(tcb);
	note(tcb, TERN_NOTE_BLACK_HOLE, low, now);
}
