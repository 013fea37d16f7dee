/* See cookie.h. The timestamp that carries the options is the latest one that is not ahead of our clock and
 * has them in its low bits: up to 63 ms behind. What the connection sends later is never before it. */
#include "host/cookie.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "tcp/ecn.h"
#include "wire/tuple.h"

enum { NO_WSCALE = 15, BIT_SACK = 0x10, BIT_ECN = 0x20, OPTION_BITS = (1 << COOKIE_TS_BITS) - 1 };

/* What peers say most, from small stacks' (536 and 1024, over IPv6 too) and RFC 9293's defaults over tunnels to
 * jumbo frames; the first is the least that config.mss_floor may be. A value never exceeds what the peer said,
 * unless that is below the floor. */
static const uint16_t mss_v4[COOKIE_MSS_VALUES] = { 28, 536, 1220, 1360, 1400, 1440, 1460, 8960 };
static const uint16_t mss_v6[COOKIE_MSS_VALUES] = { 28, 536, 1024, 1220, 1360, 1400, 1440, 8940 };

/* The hash of 44 bytes and what the caller adds. */
static uint64_t hash(const struct tcp_env *env, const struct tern_tuple *tuple, seq_t irs, uint64_t counter,
		     unsigned salt)
{
	uint8_t bytes[16 + 16 + 4 + 4 + 4 + 8 + 1];

	memcpy(bytes, tuple->local.b, 16);
	memcpy(bytes + 16, tuple->remote.b, 16);
	put16(bytes + 32, tuple->local_port);
	put16(bytes + 34, tuple->remote_port);
	put32(bytes + 36, tuple->zone);
	put32(bytes + 40, irs.v);
	put64(bytes + 44, counter);
	bytes[52] = (uint8_t)salt;
	return siphash24(&env->cookie_key, bytes, sizeof(bytes));
}

enum { SALT_PAD = COOKIE_MSS_VALUES, SALT_FRONT, SALT_MARK, FRONT_SHIFT = 27, LOW_BITS = 15 };

static uint32_t pad(const struct tcp_env *env, const struct tern_tuple *tuple, seq_t irs)
{
	return (uint32_t)hash(env, tuple, irs, 0, SALT_PAD) & LOW_BITS;
}

/* The upper five bits: of the tuple and the time alone. */
static uint32_t front(const struct tcp_env *env, const struct tern_tuple *tuple, uint64_t counter)
{
	return (uint32_t)hash(env, tuple, seq(0), counter, SALT_FRONT) & UINT32_MAX << FRONT_SHIFT;
}

/* The bits between the front and the lowest four. */
static uint32_t back(const struct tcp_env *env, const struct tern_tuple *tuple, seq_t irs, uint64_t counter,
		     unsigned mss_index)
{
	return (uint32_t)hash(env, tuple, irs, counter, mss_index) & ~(UINT32_MAX << FRONT_SHIFT | LOW_BITS);
}

static uint64_t counter_at(tern_time now)
{
	const tern_time span = COOKIE_SECONDS * TERN_SECOND;

	return (uint64_t)(now / span - (now % span < 0)); /* floor: a clock's zero has no meaning */
}

void cookie_make(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tern_tuple *tuple,
		 tern_time now)
{
	const uint16_t *const table = addr_is_v4(&tuple->remote) ? mss_v4 : mss_v6;
	const uint64_t	      counter = counter_at(now);
	unsigned	      index = COOKIE_MSS_VALUES - 1;

	while (index > 0 && table[index] > agreed->peer_mss)
		index--;
	agreed->peer_mss = (uint16_t)max_u32(table[index], env->config.mss_floor);
	agreed->iss = seq(front(env, tuple, counter) | back(env, tuple, agreed->irs, counter, index) |
			  ((index << 1 | (unsigned)(counter & 1)) ^ pad(env, tuple, agreed->irs)));
	if (!agreed->ts_ok) {
		agreed->wscale_ok = agreed->sack_ok = false;
		agreed->ecn = ECN_NONE;
		agreed->snd_wscale = agreed->rcv_wscale = 0;
		return;
	}
	const uint32_t options = (agreed->wscale_ok ? agreed->snd_wscale : (uint32_t)NO_WSCALE) |
				 (agreed->sack_ok ? (uint32_t)BIT_SACK : 0) |
				 (agreed->ecn != ECN_NONE ? (uint32_t)BIT_ECN : 0);
	const uint32_t clock = tcp_ts_clock(now);
	const uint32_t behind = ((clock & OPTION_BITS) - options) & OPTION_BITS;

	agreed->ts_offset = tcp_ts_offset(env, tuple) - behind;
}

/* The SYN as far as the cookie remembers it, for tcp_agree() to read again. */
static void recall_syn(const struct tcp_env *env, struct tcp_segment *syn, const struct tern_tuple *tuple,
		       const struct tcp_segment *seg, uint16_t mss)
{
	*syn = (struct tcp_segment){ .seq = seq_add(seg->seq, (uint32_t)-1),
				     .flags = TCP_SYN,
				     .wnd = seg->wnd };
	syn->opt.has_mss = true;
	syn->opt.mss = mss;
	if (!seg->opt.has_ts)
		return;
	const uint32_t options = (seg->opt.ts_ecr - tcp_ts_offset(env, tuple)) & OPTION_BITS;

	syn->opt.has_ts = true;
	syn->opt.ts_val = seg->opt.ts_val;
	syn->opt.sack_permitted = options & BIT_SACK;
	syn->opt.has_wscale = (options & 15) != NO_WSCALE;
	syn->opt.wscale = syn->opt.has_wscale ? options & 15 : 0;
}

bool cookie_prove(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tern_tuple *tuple,
		  const struct tcp_segment *seg, uint16_t our_mss, tern_time now)
{
	const bool	   v4 = addr_is_v4(&tuple->remote);
	const seq_t	   irs = seq_add(seg->seq, (uint32_t)-1), iss = seq_add(seg->ack, (uint32_t)-1);
	const uint32_t	   low = (iss.v & LOW_BITS) ^ pad(env, tuple, irs);
	const unsigned	   index = low >> 1;
	uint64_t	   counter = counter_at(now);
	struct tcp_segment syn;

	counter -= (counter & 1) != (low & 1);
	if ((front(env, tuple, counter) | back(env, tuple, irs, counter, index)) !=
	    (iss.v & ~(uint32_t)LOW_BITS))
		return false;
	recall_syn(env, &syn, tuple, seg, v4 ? mss_v4[index] : mss_v6[index]);
	*agreed = (struct tcp_agreement){ .iss = iss, .ts_offset = tcp_ts_offset(env, tuple) };
	tcp_agree(env, agreed, &syn, our_mss, !v4);
	if (agreed->ts_ok && (seg->opt.ts_ecr - tcp_ts_offset(env, tuple)) & BIT_ECN)
		agreed->ecn = ECN_CLASSIC;
	/* The SYN's window is not remembered; the ACK's, which is scaled, is newer. */
	agreed->snd_wnd = (uint32_t)seg->wnd << agreed->snd_wscale;
	return true;
}

bool cookie_may_be(const struct tcp_env *env, const struct tern_tuple *tuple, const struct tcp_segment *seg,
		   tern_time now)
{
	const uint32_t bits = (seg->ack.v - 1) & UINT32_MAX << FRONT_SHIFT;
	const uint64_t counter = counter_at(now);

	return bits == front(env, tuple, counter) || bits == front(env, tuple, counter - 1);
}

uint64_t cookie_mark(const struct tcp_env *env, const struct tern_tuple *tuple,
		     const struct tcp_agreement *agreed)
{
	return hash(env, tuple, agreed->irs, agreed->iss.v, SALT_MARK) | UINT64_C(1) << 63;
}
