/* One segment, filled: ports and numbers, window, timestamps, SACK blocks, what a SYN offers, urgent pointer, text and
 * PSH. What it is for, and whether it may leave, emit.c and emit_again.c decide. */
#include "base/bytes.h"
#include "tcp/ecn.h"
#include "tcp/emit.h"
#include "tcp/negotiate.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

enum { BLOCKS_WITH_TIMESTAMPS = 3 };

/* How many SACK blocks fit beside so much text: a segment never grows beyond the path's MTU (MUST-16). */
uint32_t emit_blocks_that_fit(const struct tcb *tcb, uint32_t text)
{
	const uint32_t most = tcb->ts_ok ? BLOCKS_WITH_TIMESTAMPS : TCP_SACK_BLOCKS;

	if (text + SACK_HEAD_BYTES > tcb->mss)
		return 0;
	return min_u32((tcb->mss - text - SACK_HEAD_BYTES) / SACK_BLOCK_BYTES, most);
}

/* RFC 2018 4, RFC 2883 4: the duplicate first, then what grew last. */
static void add_sack_blocks(struct tcb *tcb, struct tcp_options *opt, uint32_t text)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_sack_block blocks[TCP_SACK_BLOCKS];
	size_t n = 0;

	if (!tcb->sack_ok || !warm || (warm->ooo.n == 0 && warm->dsack.left == warm->dsack.right))
		return;
	const size_t room = emit_blocks_that_fit(tcb, text);
	if (room == 0)
		return;
	if (warm->dsack.left != warm->dsack.right) {
		blocks[n++] = warm->dsack;
		warm->dsack = (struct tern_sack_block){ 0 };
	}
	n += reassembly_blocks(&warm->ooo, blocks + n, room - n);
	for (size_t i = 0; i < n; i++)
		opt->sack[i] = (struct tcp_sack_block){ { blocks[i].left }, { blocks[i].right } };
	opt->n_sack = (uint8_t)n;
}

/* What every segment of a synchronized connection carries beside its text, of which each has so much.
 * (RFC7323-3.2-1, RFC7323-3.2-4) */
void emit_begin(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint16_t flags, uint32_t text, tern_time now)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	out->seg.src_port = tcb->name.local_port;
	out->seg.dst_port = tcb->name.remote_port;
	out->seg.seq = seq;
	out->seg.flags = flags;
	if (flags & TCP_ACK) {
		out->seg.ack = tcb->rcv.nxt;
		out->seg.wnd = window_to_send(tcb, flags & TCP_SYN, now);
		if (!(flags & (TCP_SYN | TCP_RST))) {
			add_sack_blocks(tcb, &out->seg.opt, text);
			if (tcb->ecn_ok) {
				out->seg.flags |= ecn_ack_flags(tcb, text == 0);
				if (text == 0)
					ecn_add_option(tcb, &out->seg.opt);
			}
		}
		timers_ack_sent(tcb);
	}
	if (tcb->ts_ok) {
		out->seg.opt.has_ts = true;
		out->seg.opt.ts_val = tcp_ts_clock(now) + tcb->ts.offset;
		out->seg.opt.ts_ecr = flags & TCP_ACK ? tcb->ts.recent : 0;
	}
	out->traffic_class = cold->traffic_class;
	out->ttl = cold->ttl;
}

/* What our SYN offers: everything on the first, only what was agreed on a SYN-ACK (SHLD-5, MUST-14).
 * (RFC7323-2.2-3, RFC7323-3.2-5) */
static void add_syn_options(struct tcb *tcb, struct tcp_options *opt, bool answers, tern_time now)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;

	opt->syn_order = config->syn_options;
	opt->has_mss = true; /* always (MAY-3); never on other segments (MUST-65) */
	opt->mss = negotiate_our_mss(tcb->warm->mtu, tcb->warm->max_segment, tcb->v6);
	opt->has_wscale = answers ? tcb->wscale_ok : !config->no_window_scale;
	opt->wscale = answers ? tcb->rcv.wscale : negotiate_wscale(config);
	opt->sack_permitted = answers ? tcb->sack_ok : !config->no_sack;
	opt->has_ts = answers ? tcb->ts_ok : !config->no_timestamps;
	opt->ts_val = tcp_ts_clock(now) + tcb->ts.offset;
}

void emit_make_syn(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	const bool answers = tcb->state != SYN_SENT;

	const unsigned times = tcb_has_flight(tcb) ? flight_at(&tcb->warm->flight, 0)->times : 0;
	const uint16_t flags = answers ? TCP_SYN | TCP_ACK : TCP_SYN | ecn_syn_flags(tcb, times);

	emit_begin(tcb, out, tcb->snd.iss, flags, 0, now);
	if (!answers) /* no ACK, so no window yet: offer what a SYN can say */
		out->seg.wnd = (uint16_t)min_u32(tcb_cold(tcb)->receive_buffer, 65535);
	add_syn_options(tcb, &out->seg.opt, answers, now);
}

/* URG on each segment that begins before the end of what is urgent (MUST-30, MUST-31). */
void emit_add_urgent(const struct tcb *tcb, struct tcp_segment *seg)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm->urgent || !seq_lt(seg->seq, warm->up))
		return;
	seg->flags |= TCP_URG; /* MUST-62: the pointer names the octet after the urgent ones */
	seg->up = (uint16_t)min_u32(seq_sub(warm->up, seg->seq), 65535);
}

/* Text for a segment that begins at seq; n octets, then perhaps the FIN. */
void emit_add_text(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint32_t n)
{
	struct tcb_warm *const warm = tcb->warm;
	const seq_t end = seq_add(seq, n);

	emit_add_urgent(tcb, &out->seg);
	if (n == 0)
		return;
	out->text = warm->text;
	out->text_offset = snd_offset(tcb, seq);
	out->seg.text_len = n;
	/* MUST-61: PSH where the queue runs empty; and where the program asked (SHLD-27: once for all it
	 * covers). */
	if (out->text_offset + n == slices_end(warm->text) ||
	    (seq_lt(seq, warm->push_end) && seq_ge(end, warm->push_end)))
		out->seg.flags |= TCP_PSH;
}
