#include "support/plan.h"

static const uint32_t mtus[] = { 576, 1280, 1500, 1500, 1500, 1492, 4000, 9000, 65535 };

/* ---- the link ---- */

static uint32_t share(struct chance *chance, unsigned percent, uint32_t most)
{
	return chance_percent(chance, percent) ? (uint32_t)chance_scale(chance, 64, most) : 0;
}

static void plan_cable(struct chance *chance, struct cable_settings *s, tern_time faults_until)
{
	*s = (struct cable_settings){
		.delay = (tern_time)chance_scale(chance, 1000, 400000000),
		.loss = share(chance, 85, 8000),
		.duplicate = share(chance, 80, 8000),
		.corrupt = share(chance, 60, 4000),
		.reorder = share(chance, 80, 12000),
		.mark = share(chance, 60, 30000),
		.faults_until = faults_until,
		.in_order = chance_percent(chance, 70),
		.lazy = chance_percent(chance, 30),
	};
	if (chance_percent(chance, 50))
		s->jitter = (tern_time)chance_scale(chance, 1000, (uint64_t)s->delay + 1000);
	if (s->reorder)
		s->reorder_delay = (tern_time)chance_scale(chance, 1000, (uint64_t)s->delay * 2 + 10000000);
	if (chance_percent(chance, 25)) {
		s->burst_enter = (uint32_t)chance_scale(chance, 32, 800);
		s->burst_leave = (uint32_t)chance_scale(chance, 6000, 40000);
	}
	if (chance_percent(chance, 40)) {
		s->rate = chance_scale(chance, 20000, 20000000);
		s->queue = chance_percent(chance, 60) ? (uint32_t)chance_scale(chance, 3, 200) : 0;
	}
	if (chance_percent(chance, 4)) { /* an angel's link: nothing but time */
		s->loss = s->duplicate = s->corrupt = s->reorder = s->burst_enter = 0;
		s->jitter = 0;
	}
}

/* ---- the hosts ---- */

static const char *const controllers[] = { "reno", "cubic", "bbr", "dctcp", "prague" };

static void plan_host(struct chance *chance, struct tern_config *config, bool hasty)
{
	tern_config_default(config);
	config->congestion_control = controllers[chance_below(chance, sizeof controllers / sizeof *controllers)];
	config->ecn = (uint8_t)chance_between(chance, TERN_ECN_ON, TERN_ECN_ACCURATE);
	config->no_ecn = chance_percent(chance, 20);
	config->packets = (uint32_t)chance_scale(chance, 4, 256);
	config->no_sack = chance_percent(chance, 20);
	config->no_timestamps = chance_percent(chance, 20);
	config->sack_counting = chance_percent(chance, 20);
	config->no_window_scale = chance_percent(chance, 20);
	config->no_delayed_ack = chance_percent(chance, 20);
	config->no_syn_cookies = chance_percent(chance, 30);
	/* Else the faults' end comes before anything is given up. */
	config->syn_ack_retries = hasty ? 3 : 10;
	config->orphan_timeout = (tern_time)(hasty ? chance_scale(chance, 1, 60) : 900) * TERN_SECOND;
	/* A TIME-WAIT shorter than the peer's next retransmission answers it with RST. */
	config->msl =
		(tern_time)(hasty ? chance_scale(chance, 100, 30000) : chance_scale(chance, 120000, 600000)) *
		TERN_MILLISECOND;
	if (chance_percent(chance, 20))
		config->initial_window = (uint8_t)chance_between(chance, 1, 20);
	if (chance_percent(chance, 20))
		config->receive_buffer = (uint32_t)chance_scale(chance, 2048, 1 << 20);
	if (chance_percent(chance, 10)) {
		config->port_low = 40000;
		config->port_high = 40003;
	}
}

/* Where the clock begins: also short of the points where 32 bits of it wrap. */
static tern_time plan_start(struct chance *chance)
{
	const tern_time wrap_ms = (tern_time)UINT32_MAX * TERN_MILLISECOND;
	const tern_time before = (tern_time)chance_below(chance, 100) * TERN_SECOND;

	switch (chance_below(chance, 5)) {
	case 0: return (tern_time)chance_below(chance, UINT64_C(1) << 60);
	case 1: return wrap_ms - before;
	case 2: return wrap_ms / 2 - before;
	default: return (tern_time)chance_below(chance, 100) * TERN_SECOND;
	}
}

/* ---- the programs ---- */

static void plan_options(struct chance *chance, struct talk_plan_side *p)
{
	const struct {
		enum tern_option option;
		unsigned	 percent;
		uint64_t	 low, high;
	} options[] = {
		{ TERN_NODELAY, 30, 1, 1 },
		{ TERN_CORK, 10, 1, 1 },
		{ TERN_QUICKACK, 15, 1, 1 },
		{ TERN_KEEPALIVE, 30, 1, 1 },
		{ TERN_KEEPALIVE_IDLE, 30, 1, 20 },
		{ TERN_KEEPALIVE_INTERVAL, 30, 1, 10 },
		{ TERN_KEEPALIVE_GARBAGE, 30, 0, 1 },
		{ TERN_RECEIVE_BUFFER, 20, 300, 200000 },
		{ TERN_SEND_BUFFER, 20, 300, 200000 },
		{ TERN_TRAFFIC_CLASS, 10, 0, 255 },
	};

	for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
		p->option[options[i].option] = chance_percent(chance, options[i].percent);
		p->value[options[i].option] = (int64_t)chance_scale(
			chance, options[i].low ? options[i].low : 1, options[i].high ? options[i].high : 1);
	}
	/* A burst of losses must not look like the peer's death. */
	p->option[TERN_KEEPALIVE_PROBES] = p->option[TERN_KEEPALIVE];
	p->value[TERN_KEEPALIVE_PROBES] = 127;
	/* Tiny segments in great number are tiny runs. */
	if (p->write_max < 64 && (p->option[TERN_NODELAY] || p->flags) && p->send_total > 20000)
		p->send_total = 20000;
	if (p->option[TERN_SEND_BUFFER] && p->value[TERN_SEND_BUFFER] < 4000 && p->send_total > 100000)
		p->send_total = 100000;
}

static void plan_side(struct chance *chance, struct talk_plan_side *p, uint64_t most)
{
	*p = (struct talk_plan_side){
		.write_min = 1,
		.write_max = (uint32_t)chance_scale(chance, 8, 65536),
		.owned = chance_percent(chance, 30) ? (unsigned)chance_between(chance, 1, 100) : 0,
		.flags = chance_percent(chance, 30) ? (unsigned)chance_between(chance, 1, 50) : 0,
		.read_max = (uint32_t)chance_scale(chance, 64, 65536),
		.peek = chance_percent(chance, 30),
		.eager = chance_percent(chance, 20),
		.send_total = chance_percent(chance, 12) ? 0 : chance_scale(chance, 1, most),
	};
	if (chance_percent(chance, 60))
		p->send_total = chance_between(chance, most / 8, most);
	if (chance_percent(chance, 50)) /* large writes, so that not every run is a stream of small ones */
		p->write_min = p->write_max / 2 + 1;
	if (chance_percent(chance, 25)) {
		p->read_pause = (tern_time)chance_scale(chance, 100000, 100000000);
		if (p->read_max < 1000)
			p->read_max = 1000;
	}
	if (chance_percent(chance, 25)) {
		p->stop_at = chance_below(chance, most);
		p->stop_for = (tern_time)chance_scale(chance, 10000000, 15000000000);
	}
	p->takes = chance_percent(chance, 30) ? (unsigned)chance_between(chance, 1, 100) : 0;
	plan_options(chance, p);
}

static void plan_ends(struct chance *chance, struct talk_plan *plan)
{
	struct talk_plan_side *const one = &plan->side[chance_below(chance, 2)];
	struct talk_plan_side *const other = one == plan->side ? plan->side + 1 : plan->side;
	const uint64_t		     total = one->send_total + other->send_total;

	for (unsigned i = 0; i < 2; i++) { /* a small window moves itself once in a round trip */
		const struct talk_plan_side *const reader = &plan->side[1 - i];
		const uint64_t			   window = reader->option[TERN_RECEIVE_BUFFER]
								    ? (uint64_t)reader->value[TERN_RECEIVE_BUFFER]
								    : 1 << 16;
		const uint64_t			   most = window * 200;

		if (plan->side[i].send_total > most)
			plan->side[i].send_total = most;
	}
	plan->clean = true;
	switch (chance_below(chance, 10)) {
	case 0:
	case 1: one->end = TALK_WAIT; break;
	case 2: /* closes with nobody to say anything to it */
		one->end = TALK_CLOSE;
		other->send_total = 0;
		other->stop_for = 0;
		other->read_pause = 0;
		break;
	case 3:
		one->end = TALK_ABORT;
		one->end_at = chance_below(chance, total + 1);
		plan->clean = false;
		break;
	case 4:
		one->end = chance_percent(chance, 50) ? TALK_EARLY : TALK_CLOSE;
		one->end_at = chance_below(chance, total + 1);
		other->end = chance_percent(chance, 30) ? TALK_EARLY : TALK_SHUTDOWN;
		other->end_at = chance_below(chance, total + 1);
		plan->clean = false;
		break;
	default: break;
	}
	/* The side that opens has to speak: with nothing of it to acknowledge, a lost third segment of a
	 * cookie's handshake is never missed. */
	if (plan->side[0].send_total == 0 && plan->side[0].end == TALK_WAIT)
		plan->side[0].send_total = 1;
	if (plan->side[0].end == TALK_WAIT && plan->side[0].send_total < 2)
		plan->side[0].send_total = 2;
}

void plan_talks(struct chance *chance, struct talks *talks, const struct plan *plan_of)
{
	const unsigned n = plan_of->talks;
	const uint64_t most = plan_of->most;

	talks->forgiving = plan_of->scarce;
	talks->backlog = chance_percent(chance, 20) ? 1 : 16;
	for (unsigned k = 0; k < n; k++) {
		struct talk_plan plan = {
			.client_host = (unsigned)chance_below(chance, 2),
			.v6 = chance_percent(chance, 50) && plan_of->may_v6,
			.open = chance_percent(chance, 15) ? TALK_SIMULTANEOUS : TALK_LISTENER,
			.local = chance_percent(chance, 5),
			.server_port = 80,
			.begin = k == 0 ? 0 : (tern_time)chance_scale(chance, 1, 20000000000),
		};

		plan_side(chance, &plan.side[0], most / n + 1);
		plan_side(chance, &plan.side[1], most / n + 1);
		plan_ends(chance, &plan);
		if (plan.open == TALK_SIMULTANEOUS)
			plan.server_port = (uint16_t)(1000 + k);
		if (plan.open == TALK_SIMULTANEOUS || chance_percent(chance, 50))
			plan.client_port = (uint16_t)(5000 + (chance_percent(chance, 50) ? k : 0));
		if (plan.open == TALK_SIMULTANEOUS)
			plan.client_port = (uint16_t)(2000 + k);
		/* The same port again, faster than the ISN's clock: TIME-WAIT at the far end says no. */
		plan.may_fail = n > 1 && plan.client_port == 5000;
		/* A listener that is full answers with cookies, which forget; ask for no more than they keep. */
		plan.may_fail |= (talks->backlog == 1 && n > 1) || plan_of->hasty;
		talks_add(talks, &plan);
	}
}

void plan_world(struct chance *chance, struct world_settings *settings, struct plan *plan)
{
	*plan = (struct plan){
		.hasty = chance_percent(chance, 10),
		.talks = chance_percent(chance, 70) ? 1 : (unsigned)chance_between(chance, 2, TALKS_MAX),
		.most = chance_scale(chance, 100000, 2000000),
	};
	settings->seed = chance_next(chance);
	settings->start = plan_start(chance);
	settings->batch = (unsigned)chance_between(chance, 1, 16);
	const tern_time faults_until =
		settings->start + (tern_time)chance_between(chance, 20, 120) * TERN_SECOND;
	for (unsigned i = 0; i < 2; i++) {
		plan_host(chance, &settings->config[i], plan->hasty);
		plan_cable(chance, &settings->cable[i], faults_until);
		settings->mtu[i] = mtus[chance_below(chance, sizeof mtus / sizeof *mtus)];
	}
	plan->may_v6 = settings->mtu[0] >= 1280 && settings->mtu[1] >= 1280; /* RFC 8200 5 */
	if (chance_percent(chance, 20)) { /* a router on the way, narrow from the beginning or from then on */
		/* Of very many pieces one is always lost. */
		const bool cuts = chance_percent(chance, 40) && settings->mtu[0] <= 4000 && settings->mtu[1] <= 4000;

		const bool mute = !cuts && chance_percent(chance, 40);

		for (unsigned i = 0; i < 2; i++) {
			settings->cable[i].narrow = chance_percent(chance, 50) ? 1280 : 1400;
			settings->cable[i].narrow_from =
				settings->start + (tern_time)chance_below(chance, 3) * 500 * TERN_MILLISECOND;
			settings->config[i].no_path_mtu_discovery = cuts;
			settings->cable[i].mute = !cuts && mute;
		}
		plan->may_v6 &= !cuts; /* an IPv6 router never cuts */
	}
	if (chance_percent(chance, 8)) { /* a budget that is felt */
		plan->scarce = true;
		for (unsigned i = 0; i < 2; i++) {
			settings->config[i].memory_limit = chance_scale(chance, 400000, 8000000);
			settings->config[i].memory_reserve = 0;
		}
	}
	if (chance_percent(chance, 15))
		for (unsigned i = 0; i < 2; i++)
			settings->cable[i].forge = (uint32_t)chance_scale(chance, 500, 20000);
}
