#include "watch/role.h"

static bool carries(const struct tern_watch_segment *seg, unsigned flags)
{
	return (seg->flags & flags) == flags;
}

static enum role syn_role(struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg)
{
	struct role_end	      *me = &conn->end[from];
	const struct role_end *peer = &conn->end[!from];
	const bool	       first = !me->has_syn || me->iss != seg->seq;
	enum role	       role;

	if (carries(seg, TERN_ACK))
		role = me->has_syn && me->syn_role != ROLE_SYN_ACK ? ROLE_CROSSING_SYN_ACK : ROLE_SYN_ACK;
	else if (first)
		role = peer->has_syn && !peer->has_ack ? ROLE_CROSSING_SYN : ROLE_SYN;
	else
		role = me->syn_role;
	if (first || !me->has_syn)
		me->syn_role = role;
	me->has_syn = true;
	me->iss = seg->seq;
	return role;
}

/* Which of the closing's segments a FIN is hangs on what its sender has heard: whether the peer's FIN is
 * out, and whether this end has acknowledged it before. A FIN sent again keeps the role it had. */
static enum role fin_role(struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg)
{
	struct role_end	      *me = &conn->end[from];
	const struct role_end *peer = &conn->end[!from];
	const uint32_t	       after = seg->seq + seg->len + 1;
	const bool	       acks_fin = peer->has_fin && carries(seg, TERN_ACK) && seg->ack == peer->fin;

	if (!me->has_fin || me->fin != after) {
		if (!peer->has_fin)
			me->fin_role = ROLE_FIN;
		else if (!acks_fin)
			me->fin_role = ROLE_CROSSING_FIN;
		else
			me->fin_role = me->acked_fin ? ROLE_SECOND_FIN : ROLE_FIN_AND_ACK;
	}
	me->has_fin = true;
	me->fin = after;
	me->acked_fin = me->acked_fin || acks_fin;
	return me->fin_role;
}

static enum role reset_role(const struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg)
{
	const struct role_end *me = &conn->end[from], *peer = &conn->end[!from];

	if (!conn->opened && !me->has_syn && peer->has_syn && !peer->has_ack)
		return ROLE_REFUSAL;
	return seg->known ? ROLE_RST : ROLE_STRAY_RST;
}

static enum role probe_role(struct role_conn *conn, unsigned from)
{
	const struct role_end *peer = &conn->end[!from];

	conn->end[from].asks = true;
	return peer->has_ack && peer->wnd == 0 ? ROLE_WINDOW_PROBE : ROLE_KEEPALIVE;
}

static enum role ack_role(struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg)
{
	struct role_end *me = &conn->end[from], *peer = &conn->end[!from];
	const bool	 same = me->has_ack && me->ack == seg->ack;
	const bool	 asked = peer->asks;

	peer->asks = false;

	if (!conn->opened && me->has_syn && peer->has_syn && peer->syn_role == ROLE_SYN_ACK) {
		conn->opened = true;
		return ROLE_THIRD;
	}
	if (seg->len > 0)
		return ROLE_TEXT;
	if (peer->has_fin && seg->ack == peer->fin && (!same || !me->acked_fin || me->has_fin)) {
		me->acked_fin = true;
		if (!me->has_fin)
			return ROLE_FIN_ACKED;
		const bool crossed = me->fin_role == ROLE_CROSSING_FIN || peer->fin_role == ROLE_CROSSING_FIN;

		return crossed ? ROLE_CROSSING_FIN_ACKED : ROLE_SECOND_FIN_ACKED;
	}
	if (seg->wnd == 0 && (!me->has_ack || me->wnd != 0))
		return ROLE_WINDOW_CLOSED;
	if (asked && same && (seg->wnd == me->wnd || me->wnd_of_syn))
		return ROLE_PROBE_ANSWER;
	if (same && seg->wnd == me->wnd)
		return ROLE_DUPLICATE_ACK;
	return same && seg->n_sack == 0 ? ROLE_WINDOW_UPDATE : same ? ROLE_DUPLICATE_ACK : ROLE_ACK;
}

enum role role_sent(struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg)
{
	struct role_end *me = &conn->end[from];
	enum role	 role;

	if (carries(seg, TERN_RST))
		return reset_role(conn, from, seg);
	if (carries(seg, TERN_SYN))
		role = syn_role(conn, from, seg);
	else if (carries(seg, TERN_FIN))
		role = fin_role(conn, from, seg);
	else if (seg->probe)
		role = probe_role(conn, from);
	else
		role = ack_role(conn, from, seg);
	if (carries(seg, TERN_ACK)) {
		me->has_ack = true;
		me->ack = seg->ack;
		me->wnd = seg->wnd;
		me->wnd_of_syn = carries(seg, TERN_SYN);
	}
	return role;
}

const char *role_name(enum role role)
{
	static const char *const names[ROLES] = {
		[ROLE_SYN] = "syn",
		[ROLE_CROSSING_SYN] = "crossing-syn",
		[ROLE_SYN_ACK] = "syn-ack",
		[ROLE_CROSSING_SYN_ACK] = "crossing-syn-ack",
		[ROLE_THIRD] = "third",
		[ROLE_TEXT] = "text",
		[ROLE_ACK] = "ack",
		[ROLE_DUPLICATE_ACK] = "duplicate-ack",
		[ROLE_WINDOW_UPDATE] = "window-update",
		[ROLE_WINDOW_CLOSED] = "window-closed",
		[ROLE_WINDOW_PROBE] = "window-probe",
		[ROLE_KEEPALIVE] = "keepalive",
		[ROLE_PROBE_ANSWER] = "probe-answer",
		[ROLE_FIN] = "fin",
		[ROLE_FIN_ACKED] = "fin-acked",
		[ROLE_SECOND_FIN] = "second-fin",
		[ROLE_FIN_AND_ACK] = "fin-and-ack",
		[ROLE_CROSSING_FIN] = "crossing-fin",
		[ROLE_SECOND_FIN_ACKED] = "second-fin-acked",
		[ROLE_CROSSING_FIN_ACKED] = "crossing-fin-acked",
		[ROLE_RST] = "rst",
		[ROLE_REFUSAL] = "refusal",
		[ROLE_STRAY_RST] = "stray-rst",
	};

	return (unsigned)role < ROLES ? names[role] : "?";
}

unsigned role_step(enum role role)
{
	switch (role) {
	case ROLE_SYN: return 1;
	case ROLE_SYN_ACK: return 2;
	case ROLE_THIRD: return 3;
	case ROLE_FIN: return 4;
	case ROLE_FIN_ACKED: return 5;
	case ROLE_SECOND_FIN:
	case ROLE_FIN_AND_ACK: return 6;
	case ROLE_SECOND_FIN_ACKED: return 7;
	default: return 0;
	}
}
