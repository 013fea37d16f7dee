/* What SYNs agree on: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323), SACK (RFC 2018);
 * and the numbers a connection begins with: ISN and timestamp offset. */
#include "base/bytes.h"
#include "tcp/negotiate.h"
#include "tcp/plpmtud.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"
#include "wire/tuple.h"

enum {
	IP4_HEADER_BYTES = 20,
	IP6_HEADER_BYTES = 40,
	TIMESTAMP_BYTES = 12, /* the option and its two NOPs */
	MSS_DEFAULT_V4 = 536, /* MUST-15 */
	MSS_DEFAULT_V6 = 1220,
	FULL_SIZED_FIRST = 536, /* until segments say better (RFC 1122 4.2.3.2) */
};

uint16_t tcp_mss_for_mtu(uint32_t mtu, bool v6)
{
	const uint32_t headers = TCP_HEADER_MIN + (v6 ? IP6_HEADER_BYTES : IP4_HEADER_BYTES);

	return (uint16_t)(mtu > headers ? min_u32(mtu - headers, 65535 - headers) : 1);
}

void tcp_agree(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tcp_segment *syn, uint16_t our_mss,
	       bool v6)
{
	const struct tern_config *const config = &env->config;
	const uint16_t default_mss = v6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	const uint16_t offered = syn->opt.has_mss ? syn->opt.mss : default_mss;

	agreed->irs = syn->seq;
	agreed->snd_wnd = syn->wnd; /* the window of a SYN is never scaled (RFC 7323 2.2) */
	agreed->our_mss = our_mss;
	agreed->peer_mss = offered < config->mss_floor ? config->mss_floor : offered;
	agreed->wscale_ok = syn->opt.has_wscale && !config->no_window_scale;
	agreed->snd_wscale = agreed->wscale_ok ? syn->opt.wscale : 0;
	agreed->rcv_wscale = agreed->wscale_ok ? negotiate_wscale(config) : 0;
	agreed->ts_ok = syn->opt.has_ts && !config->no_timestamps;
	agreed->ts_recent = agreed->ts_ok ? syn->opt.ts_val : 0;
	agreed->sack_ok = syn->opt.sack_permitted && !config->no_sack;
}

uint8_t negotiate_wscale(const struct tern_config *config)
{
	const uint32_t most = config->receive_buffer_max;
	const uint32_t windows = most / 65535 + (most % 65535 != 0); /* unscaled ones */

	if (windows <= 1)
		return 0;
	return (uint8_t)min_u32(32 - (uint32_t)__builtin_clz(windows - 1), TCP_WSCALE_MAX);
}

uint16_t negotiate_our_mss(uint32_t mtu, uint16_t max_segment, bool v6)
{
	const uint16_t mss = tcp_mss_for_mtu(mtu, v6);

	return max_segment && max_segment < mss ? max_segment : mss;
}

uint16_t negotiate_effective_mss(uint32_t mtu, uint16_t peer_mss, bool v6, bool ts_ok)
{
	/* MUST-16: Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize. */
	const uint16_t path = tcp_mss_for_mtu(mtu, v6);
	const uint16_t mss = path < peer_mss ? path : peer_mss;

	return (uint16_t)(ts_ok && mss > 2 * TIMESTAMP_BYTES ? mss - TIMESTAMP_BYTES : mss);
}

void negotiate_take(struct tcb *tcb, const struct tcp_agreement *agreed, uint32_t mtu)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	tcb->rcv.irs = agreed->irs;
	tcb->rcv.nxt = tcb->rcv.read = tcb->rcv.acked = seq_add(agreed->irs, 1);
	tcb->snd.wnd = agreed->snd_wnd;
	if (tcb->warm)
		tcb->warm->edge = seq_add(seq_add(tcb->snd.iss, 1), agreed->snd_wnd);
	tcb->snd.max_wnd = max_u32(tcb->snd.max_wnd, agreed->snd_wnd);
	tcb->snd.wl1 = agreed->irs;
	tcb->wscale_ok = agreed->wscale_ok;
	tcb->snd_wscale = agreed->snd_wscale;
	tcb->rcv.wscale = agreed->rcv_wscale;
	tcb->ts_ok = agreed->ts_ok;
	tcb->ts.recent = agreed->ts_recent;
	tcb->sack_ok = agreed->sack_ok;
	tcb->rcv.mss = (uint16_t)min_u32(FULL_SIZED_FIRST, agreed->our_mss);
	tcb->quick = true;
	cold->peer_mss = agreed->peer_mss;
	/* TERN_MAX_SEGMENT: what we told the peer to keep to, below what the path takes, binds us too, for good. */
	if (agreed->our_mss < tcp_mss_for_mtu(mtu, tcb->v6) && agreed->our_mss < cold->peer_mss)
		cold->peer_mss = agreed->our_mss;
	tcb->mss = negotiate_effective_mss(mtu, cold->peer_mss, tcb->v6, tcb->ts_ok);
	plpmtud_begin(tcb);
	/* What our SYN offered, unscaled: the right edge the peer knows of. */
	tcb->rcv.wnd_edge = seq_add(tcb->rcv.nxt, min_u32(cold->receive_buffer, 65535));
}

/* SHLD-1, MUST-9: F of RFC 6528 3 in the lower half, the timestamps' offset (RFC7323-7.1-1) in the upper. A peer
 * learns what is its own; neither half of a keyed hash tells of the other, nor of another tuple's. */
static uint64_t secret_of(const struct tcp_env *env, const struct tern_tuple *tuple)
{
	uint8_t bytes[TUPLE_PACKED];

	if (tuple->zone == 0 && addr_is_v4(&tuple->local) && addr_is_v4(&tuple->remote)) {
		const uint64_t both = (uint64_t)addr_v4_of(&tuple->local) << 32 | addr_v4_of(&tuple->remote);
		const uint32_t ports = (uint32_t)tuple->local_port << 16 | tuple->remote_port;

		return siphash24_12(&env->isn_key, __builtin_bswap64(both), __builtin_bswap32(ports)); /* as packed */
	}
	return siphash24(&env->isn_key, bytes, tuple_pack(bytes, tuple));
}

static seq_t isn_of(uint64_t secret, tern_time now)
{
	const uint32_t m = (uint32_t)(now / (4 * TERN_MICROSECOND)); /* MUST-8: a clock of 4 us */

	return seq(m + (uint32_t)secret);
}

void tcp_numbers(const struct tcp_env *env, const struct tern_tuple *tuple, seq_t *isn, uint32_t *ts_offset,
		 tern_time now)
{
	const uint64_t secret = secret_of(env, tuple);

	*isn = isn_of(secret, now);
	*ts_offset = (uint32_t)(secret >> 32);
}

seq_t tcp_isn(const struct tcp_env *env, const struct tern_tuple *tuple, tern_time now)
{
	uint32_t ts_offset;
	seq_t	 isn;

	tcp_numbers(env, tuple, &isn, &ts_offset, now);
	return isn;
}

uint32_t tcp_ts_offset(const struct tcp_env *env, const struct tern_tuple *tuple)
{
	return (uint32_t)(secret_of(env, tuple) >> 32);
}

/* RFC7323-5.4-1. */
