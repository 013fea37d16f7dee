/* A connection as one record (DESIGN 5.13). One list of fields serves both ways: a codec that writes or
 * reads, so that what is written and what is read cannot drift apart.
 *
 * Version 3, little-endian: "TERN", version; hot; cold; the controller's name; path; warm where there is
 * one; what the controller knows; the text not yet acknowledged; the text not yet read, and what lies out
 * of order. Times stand relative to the moment of packing, the timestamp clock as it was, so that a record
 * may wake on another machine, later.
 * What is not packed: places in the host's lists, the handle, the timing wheel.
 */
#include "base/bytes.h"
#include "tcp/call.h"
#include "tcp/pack.h"
#include "tcp/path.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "wire/tuple.h"

enum { PACK_VERSION = 3 };

static void head(struct codec *codec)
{
	uint8_t magic[4] = { 'T', 'E', 'R', 'N' };
	uint32_t version = PACK_VERSION;

	codec_bytes(codec, magic, 4);
	codec_u32(codec, &version);
	codec->bad |= memcmp(magic, "TERN", 4) != 0 || version != PACK_VERSION;
}

static uint32_t flags_of(const struct tcb *tcb)
{
	const bool flags[] = {
		tcb->passive, tcb->ts_ok, tcb->sack_ok, tcb->wscale_ok, tcb->ecn_ok, tcb->fin_queued, tcb->fin_sent,
		tcb->fin_received, tcb->receive_shut, tcb->nodelay, tcb->cork, tcb->quickack, tcb->keepalive,
		tcb->keepalive_garbage, tcb->advice_off, tcb->write_blocked, tcb->more, tcb->urgent_received,
		tcb->window_fixed, tcb->zero_window_told, tcb->quick, tcb->ack_pending, tcb->was_idle,
		tcb->sack_counting, tcb->ecn_echo,
	};
	uint32_t all = 0;

	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		all |= (uint32_t)flags[i] << i;
	return all;
}

static void set_flags(struct tcb *tcb, uint32_t all)
{
	tcb->passive = all & 1u << 0;
	tcb->ts_ok = all & 1u << 1;
	tcb->sack_ok = all & 1u << 2;
	tcb->wscale_ok = all & 1u << 3;
	tcb->ecn_ok = all & 1u << 4;
	tcb->fin_queued = all & 1u << 5;
	tcb->fin_sent = all & 1u << 6;
	tcb->fin_received = all & 1u << 7;
	tcb->receive_shut = all & 1u << 8;
	tcb->nodelay = all & 1u << 9;
	tcb->cork = all & 1u << 10;
	tcb->quickack = all & 1u << 11;
	tcb->keepalive = all & 1u << 12;
	tcb->keepalive_garbage = all & 1u << 13;
	tcb->advice_off = all & 1u << 14;
	tcb->write_blocked = all & 1u << 15;
	tcb->more = all & 1u << 16;
	tcb->urgent_received = all & 1u << 17;
	tcb->window_fixed = all & 1u << 18;
	tcb->zero_window_told = all & 1u << 19;
	tcb->quick = all & 1u << 20;
	tcb->ack_pending = all & 1u << 21;
	tcb->was_idle = all & 1u << 22;
	tcb->sack_counting = all & 1u << 23;
	tcb->ecn_echo = all & 1u << 24;
}

/* What a connection may be called. */
static bool tuple_fits(const struct tern_tuple *tuple)
{
	return addr_is_v4(&tuple->local) == addr_is_v4(&tuple->remote) && addr_is_unicast(&tuple->local) &&
	       addr_is_unicast(&tuple->remote) && tuple->local_port != 0 && tuple->remote_port != 0;
}

static void hot(struct codec *codec, struct tcb *tcb)
{
	uint32_t flags = flags_of(tcb), clock = tcp_ts_clock(codec->now) + tcb->ts.offset;
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	codec_bytes(codec, tuple.local.b, 16);
	codec_bytes(codec, tuple.remote.b, 16);
	codec_u32(codec, &tuple.zone);
	codec_u16(codec, &tuple.local_port);
	codec_u16(codec, &tuple.remote_port);
	codec->bad |= !tuple_fits(&tuple);
	if (!codec->writes)
		tcb_set_tuple(tcb, &tuple);
	codec_u8(codec, &tcb->state);
	codec_u32(codec, &flags);
	if (!codec->writes)
		set_flags(tcb, flags);
	codec_seq(codec, &tcb->snd.una);
	codec_seq(codec, &tcb->snd.nxt);
	codec_seq(codec, &tcb->snd.wl1);
	codec_seq(codec, &tcb->snd.wl2);
	codec_seq(codec, &tcb->snd.iss);
	codec_u32(codec, &tcb->snd.wnd);
	codec_u32(codec, &tcb->snd.max_wnd);
	codec_seq(codec, &tcb->rcv.nxt);
	codec_seq(codec, &tcb->rcv.irs);
	codec_seq(codec, &tcb->rcv.wnd_edge);
	codec_seq(codec, &tcb->rcv.read);
	codec_seq(codec, &tcb->rcv.acked);
	codec_u16(codec, &tcb->rcv.mss);
	codec_u8(codec, &tcb->rcv.wscale);
	codec_u8(codec, &tcb->rcv.traffic_class);
	codec_u32(codec, &tcb->ts.recent);
	codec_u32(codec, &clock);
	tcb->ts.offset = clock - tcp_ts_clock(codec->now);
	codec_u16(codec, &tcb->mss);
	codec_u16(codec, &tcb->ready);
	codec_u8(codec, &tcb->due);
	codec_u8(codec, &tcb->snd_wscale);
	codec_u8(codec, &tcb->challenge);
	codec_moment(codec, &tcb->delayed_ack_at);
	codec->bad |= tcb->snd_wscale > TCP_WSCALE_MAX || tcb->rcv.wscale > TCP_WSCALE_MAX;
}

/* One number or the other; who wakes is no orphan, or becomes one anew. */
static void orphan_or_busy(struct codec *codec, struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	uint32_t orphan_ms = tcb_is_orphan(tcb) ? cold->orphan_ms : 0, busy_us = tcb_is_orphan(tcb) ? 0 : cold->busy_us;

	codec_moment_ms(codec, &orphan_ms, true);
	codec_u32(codec, &busy_us);
	if (!codec->writes && tcb_is_orphan(tcb))
		cold->orphan_ms = orphan_ms;
	else if (!codec->writes)
		cold->busy_us = busy_us;
}

static void cold(struct codec *codec, struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	uint8_t linger = (uint8_t)cold->linger, ecn = cold->ecn;

	codec_u64(codec, &cold->cookie);
	codec_u32(codec, &cold->srtt8);
	codec_u32(codec, &cold->rttvar4);
	codec_u32(codec, &cold->receive_buffer);
	codec_u32(codec, &cold->send_buffer);
	codec_moment_ms(codec, &cold->heard_ms, false);
	orphan_or_busy(codec, tcb);
	codec_u32(codec, &cold->user_timeout_ms);
	codec_u32(codec, &cold->rcv_up);
	codec_u32(codec, &cold->retransmits);
	codec_u32(codec, &cold->segments_in);
	codec_u32(codec, &cold->segments_out);
	codec_u16(codec, &cold->sent_wraps);
	codec_u16(codec, &cold->received_wraps);
	codec_u16(codec, &cold->r2_s);
	codec_u16(codec, &cold->peer_mss);
	codec_u16(codec, &cold->keepalive_idle_s);
	codec_u16(codec, &cold->keepalive_interval_s);
	codec_u8(codec, &cold->keepalive_probes);
	codec_u8(codec, &cold->keepalive_sent);
	codec_u8(codec, &cold->traffic_class);
	codec_u8(codec, &cold->ttl);
	codec_u8(codec, &cold->error);
	codec_u8(codec, &cold->soft_error);
	codec_u8(codec, &ecn);
	cold->ecn = ecn & 3u;
	codec_u8(codec, &linger);
	cold->linger = (int8_t)linger;
}

/* Its number is another host's business. One that is not known here gives way to this host's own. */
static void controller_name(struct codec *codec, struct tcb *tcb)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;
	struct tcb_cold *const cold = tcb_cold(tcb);
	const char *const own = cc_at(config, cold->congestion_control)->name;
	char name[CC_NAME_MOST + 1] = { 0 };
	int number;

	for (unsigned i = 0; codec->writes && i < CC_NAME_MOST && own[i]; i++)
		name[i] = own[i];
	codec_bytes(codec, name, sizeof name - 1);
	if (codec->writes || codec->bad)
		return;
	number = cc_by_name(config, name);
	cold->congestion_control = (number >= 0 ? (unsigned)number : tcb_env(tcb)->congestion_control) & 63u;
}

/* ---- text ---- */

/* What the send store holds, from SND.UNA on. */
static void text_out(struct codec *codec, struct tcb *tcb)
{
	struct slices_pool *const pool = &tcb_env(tcb)->slices;
	uint8_t present = tcb->warm->text != NULL;
	uint32_t base = present ? slices_base(tcb->warm->text) : 0;
	uint32_t n = present ? slices_end(tcb->warm->text) - base : 0;

	codec_u8(codec, &present);
	codec_u32(codec, &base);
	codec_u32(codec, &n);
	if (!present || codec->bad)
		return;
	if (codec->writes) {
		if (codec->n <= codec->room && codec->room - codec->n >= n)
			slices_read(tcb->warm->text, base, codec->at + codec->n, n);
		codec->n += n;
		return;
	}
	tcb->warm->text = codec->room - codec->n >= n ? slices_new(pool, base) : NULL;
	codec->bad |= !tcb->warm->text || slices_copy(pool, tcb->warm->text, codec->at + codec->n, n) < n;
	codec->n += n;
}

/* [from, to) of the receive store. */
static void stored(struct codec *codec, struct tcb *tcb, seq_t from, seq_t to)
{
	struct pages_pool *const pool = &tcb_env(tcb)->pages;

	if (codec->writes) {
		while (seq_lt(from, to)) {
			const uint8_t *at;
			const size_t n = pages_peek(tcb->store, rcv_offset(tcb, from), seq_sub(to, from), &at);

			codec_bytes(codec, (void *)(uintptr_t)at, n);
			from = seq_add(from, (uint32_t)n);
		}
		return;
	}
	const uint32_t n = seq_sub(to, from);

	if (codec->bad || codec->room - codec->n < n) {
		codec->bad = true;
		return;
	}
	codec->bad |= pages_write(pool, tcb->store, rcv_offset(tcb, from), codec->at + codec->n, n, MEM_ORDINARY) < n;
	codec->n += n;
}

static void text_in(struct codec *codec, struct tcb *tcb)
{
	const struct reassembly *const ooo = tcb->warm ? &tcb->warm->ooo : NULL;
	const uint32_t unread = tcb_unread(tcb);

	if (codec->bad || (unread == 0 && (!ooo || ooo->n == 0)))
		return;
	if (!codec->writes) {
		const uint32_t reach = seq_sub(tcb->rcv.wnd_edge, tcb->rcv.read);

		if (reach < 1u << 30)
			tcb->store = pages_new(&tcb_env(tcb)->pages, rcv_offset(tcb, tcb->rcv.read), MEM_ORDINARY);
		codec->bad |= !tcb->store || (ooo && !reassembly_is_sound(ooo, tcb->rcv.nxt, tcb->rcv.wnd_edge));
		if (codec->bad)
			return;
	}
	stored(codec, tcb, tcb->rcv.read, seq_add(tcb->rcv.read, unread));
	for (uint16_t i = 0; ooo && i < ooo->n; i++)
		stored(codec, tcb, ooo->ranges[i].left, ooo->ranges[i].right);
}

/* What waits for its turn is what such a state has to send, and the MSS it has to be cut to is one. */
static bool can_be_sent(const struct tcb *tcb)
{
	const bool handshake = tcb->state == SYN_SENT || tcb->state == SYN_RECEIVED;

	if (tcb->state == CLOSED)
		return (tcb->due & ~DUE_RESET) == 0;
	if (tcb->due & DUE_RESET || (tcb->due & DUE_SYN && !handshake) || (tcb->due & DUE_PROBE && !tcb->warm))
		return false;
	if (tcb->state == SYN_SENT)
		return true;
	return tcb->mss > 0 && tcb_cold(tcb)->peer_mss > 0 && (*path_cwnd(tcb) == 0 || *path_cwnd(tcb) >= tcb->mss);
}

static void connection(struct codec *codec, struct tcb *tcb)
{
	uint8_t has_warm = tcb->warm != NULL;

	head(codec);
	hot(codec, tcb);
	cold(codec, tcb);
	controller_name(codec, tcb);
	pack_path(codec, tcb);
	codec_u8(codec, &has_warm);
	if (codec->bad)
		return;
	if (has_warm && !tcb_warm_up(tcb, codec->now)) {
		codec->bad = true;
		return;
	}
	if (has_warm)
		pack_warm(codec, tcb->warm, tcb_env(tcb)->mem);
	pack_controller_state(codec, tcb);
	if (has_warm)
		text_out(codec, tcb);
	text_in(codec, tcb);
}

size_t tcp_pack(const struct tcb *tcb, uint8_t *to, size_t room, tern_time now)
{
	struct codec codec = { .at = to, .room = room, .now = now, .writes = true };

	connection(&codec, (struct tcb *)(uintptr_t)tcb); /* writing changes nothing of the block */
	return codec.n;
}

int tcp_unpack(struct tcb *tcb, const uint8_t *from, size_t n, tern_time now)
{
	struct codec codec = { .at = (uint8_t *)(uintptr_t)from, .room = n, .now = now };

	connection(&codec, tcb);
	if (codec.bad || codec.n != n || !can_be_sent(tcb) || !tcb_is_sound(tcb)) {
		tcp_release(tcb);
		tcb->state = CLOSED;
		tcb->due = 0;
		return -TERN_EPROTO;
	}
	tcb_cool_arrived(tcb); /* one that was kept for the next flight */
	return 0;
}
