/* Options of one connection: their ranges, and what a change means at once. */
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

struct range {
	int64_t least, most;
};

static bool range_of(const struct tcp_env *env, enum tern_option option, struct range *range)
{
	static const struct range ranges[TERN_OPTIONS] = {
		[TERN_NODELAY] = { 0, 1 },
		[TERN_CORK] = { 0, 1 },
		[TERN_QUICKACK] = { 0, 1 },
		[TERN_KEEPALIVE] = { 0, 1 },
		[TERN_KEEPALIVE_IDLE] = { 1, 32767 },
		[TERN_KEEPALIVE_INTERVAL] = { 1, 32767 },
		[TERN_KEEPALIVE_PROBES] = { 1, 127 },
		[TERN_USER_TIMEOUT] = { 0, INT32_MAX },
		[TERN_R2] = { 0, UINT16_MAX },
		[TERN_MAX_SEGMENT] = { 0, 65495 },
		[TERN_RECEIVE_BUFFER] = { 1, 0 },
		[TERN_SEND_BUFFER] = { 1, 0 },
		[TERN_TRAFFIC_CLASS] = { 0, 255 },
		[TERN_TTL] = { 1, 255 },
		[TERN_LINGER] = { -1, INT8_MAX },
		[TERN_URGENT_INLINE] = { 1, 1 },
		[TERN_ERROR_REPORTS] = { 0, 1 },
		[TERN_KEEPALIVE_GARBAGE] = { 0, 1 },
		[TERN_SACK_COUNTING] = { 0, 1 },
		[TERN_PACING] = { -1, 1 },
		[TERN_MAX_PACING_RATE] = { 0, INT64_MAX },
		[TERN_ECN] = { TERN_ECN_OFF, TERN_ECN_ACCURATE },
	};

	if ((unsigned)option >= TERN_OPTIONS)
		return false;
	*range = ranges[option];
	if (option == TERN_RECEIVE_BUFFER)
		range->most = env->config.receive_buffer_max;
	if (option == TERN_SEND_BUFFER)
		range->most = env->config.send_buffer_max;
	return true;
}

static int set_max_segment(struct tcb *tcb, uint16_t value)
{
	if (value != 0 && value < tcb_env(tcb)->config.mss_floor)
		return -TERN_EINVAL;
	if (tcb->state != SYN_SENT || !tcb->warm)
		return -TERN_EISCONN; /* it speaks through our SYN alone */
	tcb->warm->max_segment = value;
	return 0;
}

static int set_pacing(struct tcb *tcb, enum tern_option option, int64_t value)
{
	struct tcb_path *const path = path_attach(tcb);

	if (!path)
		return -TERN_ENOMEM;
	if (option == TERN_PACING)
		path->pacing = (int8_t)value;
	else
		path->max_pacing_rate = (uint64_t)value;
	if (tcb->warm) /* what waits now is looked at when its burst is due */
		tcb->warm->cc.paced = pace_is_on(tcb, tcb->warm->cc.ops);
	return 0;
}

static int set_ecn(struct tcb *tcb, enum tern_ecn value)
{
	const bool syn_waits = tcb->state == SYN_SENT && !tcb_has_flight(tcb);

	if (tcb->state != CLOSED && !syn_waits)
		return -TERN_EISCONN; /* it speaks through our SYN alone */
	tcb_cold(tcb)->ecn = value & 3u;
	return 0;
}

/* For each connection apart (MUST-17, MUST-24, SHLD-20, MAY-6). */
static void set_switch(struct tcb *tcb, enum tern_option option, bool on)
{
	if (option == TERN_NODELAY)
		tcb->nodelay = on;
	else if (option == TERN_CORK)
		tcb->cork = on;
	else if (option == TERN_QUICKACK)
		tcb->quickack = on;
	else if (option == TERN_KEEPALIVE)
		tcb->keepalive = on;
	else if (option == TERN_ERROR_REPORTS)
		tcb->advice_off = !on;
	else if (option == TERN_KEEPALIVE_GARBAGE)
		tcb->keepalive_garbage = on;
	else if (option == TERN_SACK_COUNTING)
		tcb->sack_counting = on;
	tcb->due |= tcb->state >= ESTABLISHED && tcb->warm ? DUE_TEXT : 0; /* what was held may leave */
}

int tcp_option_set(struct tcb *tcb, enum tern_option option, int64_t value, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	struct range range;

	if (!range_of(tcb_env(tcb), option, &range) || value < range.least || value > range.most)
		return -TERN_EINVAL;
	switch (option) {
	case TERN_KEEPALIVE_IDLE:
		cold->keepalive_idle_s = (uint16_t)value; /* MUST-27 */
		break;
	case TERN_KEEPALIVE_INTERVAL:
		cold->keepalive_interval_s = (uint16_t)value;
		break;
	case TERN_KEEPALIVE_PROBES:
		cold->keepalive_probes = (uint8_t)value;
		break;
	case TERN_USER_TIMEOUT:
		cold->user_timeout_ms = (uint32_t)value;
		break;
	case TERN_R2:
		cold->r2_s = (uint16_t)value;
		break;
	case TERN_MAX_SEGMENT:
		return set_max_segment(tcb, (uint16_t)value);
	case TERN_ECN:
		return set_ecn(tcb, (enum tern_ecn)value);
	case TERN_RECEIVE_BUFFER:
		cold->receive_buffer = (uint32_t)value;
		tcb->window_fixed = true;
		break;
	case TERN_SEND_BUFFER:
		cold->send_buffer = (uint32_t)value;
		break;
	case TERN_TRAFFIC_CLASS:
		cold->traffic_class = (uint8_t)value & 0xfc; /* the ECN bits are ours (MUST-48, SHLD-21) */
		break;
	case TERN_TTL:
		cold->ttl = (uint8_t)value; /* MUST-49 */
		break;
	case TERN_PACING:
	case TERN_MAX_PACING_RATE:
		return set_pacing(tcb, option, value);
	case TERN_LINGER:
		cold->linger = (int8_t)value;
		break;
	default:
		set_switch(tcb, option, value != 0);
		if (option == TERN_SACK_COUNTING && value && tcb->warm)
			timers_reordering(tcb, TERN_NEVER, now);
	}
	return 0;
}

int tcp_option_get(const struct tcb *tcb, enum tern_option option, int64_t *value)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);
	const int64_t values[TERN_OPTIONS] = {
		[TERN_NODELAY] = tcb->nodelay,
		[TERN_CORK] = tcb->cork,
		[TERN_QUICKACK] = tcb->quickack,
		[TERN_KEEPALIVE] = tcb->keepalive,
		[TERN_KEEPALIVE_IDLE] = cold->keepalive_idle_s,
		[TERN_KEEPALIVE_INTERVAL] = cold->keepalive_interval_s,
		[TERN_KEEPALIVE_PROBES] = cold->keepalive_probes,
		[TERN_USER_TIMEOUT] = cold->user_timeout_ms,
		[TERN_R2] = cold->r2_s,
		[TERN_MAX_SEGMENT] = tcb->warm && tcb->warm->max_segment ? tcb->warm->max_segment : tcb->mss,
		[TERN_RECEIVE_BUFFER] = cold->receive_buffer,
		[TERN_SEND_BUFFER] = cold->send_buffer,
		[TERN_TRAFFIC_CLASS] = cold->traffic_class,
		[TERN_TTL] = cold->ttl,
		[TERN_LINGER] = cold->linger,
		[TERN_URGENT_INLINE] = 1,
		[TERN_ERROR_REPORTS] = !tcb->advice_off,
		[TERN_KEEPALIVE_GARBAGE] = tcb->keepalive_garbage,
		[TERN_SACK_COUNTING] = tcb->sack_counting,
		[TERN_PACING] = path_of(tcb) ? path_of(tcb)->pacing : -1,
		[TERN_MAX_PACING_RATE] = path_of(tcb) ? (int64_t)path_of(tcb)->max_pacing_rate : 0,
		[TERN_ECN] = cold->ecn,
	};

	if ((unsigned)option >= TERN_OPTIONS)
		return -TERN_EINVAL;
	*value = values[option];
	return 0;
}

int tcp_set_congestion_control(struct tcb *tcb, const char *name)
{
	const int number = cc_by_name(&tcb_env(tcb)->config, name);

	if (number < 0)
		return number;
	if (number == tcb_cold(tcb)->congestion_control)
		return 0;
	path_controller_changes(tcb, (uint8_t)number);
	return 0;
}
