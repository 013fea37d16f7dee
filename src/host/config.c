/* tern/config.h: the defaults, and what each setting may be. */
#include "host/internal.h"
#include "tcp/congestion.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

void tern_config_default(struct tern_config *config)
{
	*config = (struct tern_config){
		.memory_limit = 256 * (size_t)MIB,
		.msl = 30 * TERN_SECOND,
		.rto_initial = TERN_SECOND,
		.rto_min = 200 * TERN_MILLISECOND,
		.rto_max = 120 * TERN_SECOND,
		.delayed_ack = 40 * TERN_MILLISECOND,
		.r2 = 924 * TERN_SECOND, /* SHLD-11 */
		.r2_syn = 180 * TERN_SECOND,
		.r1 = 3, /* SHLD-10 */
		.syn_ack_retries = 3,
		.orphan_timeout = 60 * TERN_SECOND,
		.keepalive_idle = 7200 * TERN_SECOND, /* MUST-28 */
		.keepalive_interval = 75 * TERN_SECOND,
		.keepalive_probes = 9,
		.accept_wait = 120 * TERN_SECOND,
		.reassembly_timeout = 30 * TERN_SECOND,
		.receive_buffer = 256 * KIB,
		.receive_buffer_max = 65535u << 11, /* 128 MiB, as near as a window scale tells */
		.send_buffer_max = 128 * MIB,
		.mss_floor = 64,
		.initial_window = 10,
		.dup_ack_threshold = 3,
		.mtu_probing = 1,
		.challenge_acks = 5,
		.ttl = 64,
		.connections_max = (UINT32_C(1) << 30) - 1,
		.half_open_max = 16384,
		.time_wait_max = (UINT32_C(1) << 30) - 1,
		.packets = 512,
		.port_low = 32768,
		.port_high = 60999,
		.congestion_control = "cubic",
		.ecn = TERN_ECN_ACCEPT,
	};
}

static void fill_time(tern_time *field, tern_time otherwise)
{
	if (*field == 0)
		*field = otherwise;
}

static void fill_size(size_t *field, size_t otherwise)
{
	if (*field == 0)
		*field = otherwise;
}

static void fill_u32(uint32_t *field, uint32_t otherwise)
{
	if (*field == 0)
		*field = otherwise;
}

static void fill_u16(uint16_t *field, uint16_t otherwise)
{
	if (*field == 0)
		*field = otherwise;
}

static void fill_u8(uint8_t *field, uint8_t otherwise)
{
	if (*field == 0)
		*field = otherwise;
}

static void fill_times(struct tern_config *c, const struct tern_config *d)
{
	fill_time(&c->msl, d->msl);
	fill_time(&c->rto_min, d->rto_min);
	fill_time(&c->rto_max, d->rto_max);
	fill_time(&c->rto_initial, d->rto_initial);
	fill_time(&c->delayed_ack, d->delayed_ack);
	fill_time(&c->r2, d->r2);
	fill_time(&c->r2_syn, d->r2_syn);
	fill_time(&c->orphan_timeout, d->orphan_timeout);
	fill_time(&c->keepalive_idle, d->keepalive_idle);
	fill_time(&c->keepalive_interval, d->keepalive_interval);
	fill_time(&c->accept_wait, d->accept_wait);
	fill_time(&c->reassembly_timeout, d->reassembly_timeout);
	fill_u8(&c->r1, d->r1);
	fill_u8(&c->syn_ack_retries, d->syn_ack_retries);
	fill_u8(&c->keepalive_probes, d->keepalive_probes);
}

/* Half of a small host's memory at most, whoever asks for nothing. */
static uint32_t share_of(size_t memory, uint32_t otherwise)
{
	return memory / 2 < otherwise ? (uint32_t)(memory / 2) + (memory < 2) : otherwise;
}

static void fill_sizes(struct tern_config *c, const struct tern_config *d)
{
	fill_size(&c->memory_limit, d->memory_limit);
	fill_size(&c->memory_reserve, c->memory_limit / 64);
	fill_u32(&c->receive_buffer_max, share_of(c->memory_limit, d->receive_buffer_max));
	fill_u32(&c->receive_buffer, min_u32(d->receive_buffer, c->receive_buffer_max));
	fill_u32(&c->send_buffer_max, share_of(c->memory_limit, d->send_buffer_max));
	fill_u16(&c->mss_floor, d->mss_floor);
	fill_u8(&c->initial_window, d->initial_window);
	fill_u8(&c->dup_ack_threshold, d->dup_ack_threshold);
	fill_u8(&c->challenge_acks, d->challenge_acks);
	fill_u8(&c->mtu_probing, d->mtu_probing);
	fill_u8(&c->ttl, d->ttl);
	fill_u32(&c->connections_max, d->connections_max);
	fill_u32(&c->half_open_max, d->half_open_max);
	fill_u32(&c->time_wait_max, d->time_wait_max);
	fill_u32(&c->packets, d->packets);
	fill_u16(&c->port_low, d->port_low);
	fill_u16(&c->port_high, d->port_high);
	fill_u8(&c->ecn, d->ecn);
	if (c->no_ecn)
		c->ecn = TERN_ECN_OFF;
	if (!c->congestion_control)
		c->congestion_control = d->congestion_control;
	if (c->share.n > 1) {
		c->share.port_low = c->port_low;
		c->share.port_high = c->port_high;
	}
}

static bool between(tern_time value, tern_time low, tern_time high)
{
	return value >= low && value <= high;
}

static bool times_are_right(const struct tern_config *c)
{
	const tern_time day = 86400 * TERN_SECOND;

	return between(c->msl, TERN_MILLISECOND, 3600 * TERN_SECOND) &&
	       between(c->rto_min, TERN_MILLISECOND, c->rto_max) && c->rto_max <= 3600 * TERN_SECOND &&
	       between(c->rto_initial, c->rto_min, c->rto_max) &&
	       between(c->delayed_ack, 1, 500 * TERN_MILLISECOND - 1) && /* MUST-40 */
	       between(c->r2, TERN_SECOND, day) && between(c->r2_syn, TERN_SECOND, day) &&
	       between(c->orphan_timeout, TERN_MILLISECOND, day) &&
	       between(c->keepalive_idle, TERN_SECOND, 32767 * TERN_SECOND) &&
	       between(c->keepalive_interval, TERN_SECOND, 32767 * TERN_SECOND) &&
	       between(c->accept_wait, TERN_MILLISECOND, day) &&
	       between(c->reassembly_timeout, TERN_MILLISECOND, 3600 * TERN_SECOND);
}

static bool sizes_are_right(const struct tern_config *c)
{
	const uint32_t indices = (UINT32_C(1) << TCB_INDEX_BITS) - 1, window = UINT32_C(1) << 30;

	return c->allocator.alloc && c->allocator.free && c->memory_reserve < c->memory_limit &&
	       c->connections_max <= indices && c->half_open_max <= indices && c->time_wait_max <= indices &&
	       c->receive_buffer <= c->receive_buffer_max && c->receive_buffer_max <= window &&
	       c->send_buffer_max <= window && between(c->mss_floor, 28, 1460) && c->keepalive_probes <= 127 &&
	       c->mtu_probing <= 2 && c->packets <= 1 << 20 && c->ecn <= TERN_ECN_ACCURATE &&
	       c->syn_options <= TERN_SYN_OPTIONS_FREEBSD &&
	       c->syn_ack_retries <= HALF_REPEATS_MOST && c->port_low <= c->port_high &&
	       c->share.n <= TERN_SHARE_MOST && (c->share.index == 0 || c->share.index < c->share.n) &&
	       cc_controllers_are_right(c) && cc_by_name(c, c->congestion_control) >= 0;
}

int config_fill(struct tern_config *out, const struct tern_config *in)
{
	struct tern_config defaults;

	tern_config_default(&defaults);
	*out = *in;
	fill_times(out, &defaults);
	fill_sizes(out, &defaults);
	return times_are_right(out) && sizes_are_right(out) ? 0 : -TERN_EINVAL;
}
