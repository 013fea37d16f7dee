#include "tcp/path.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/pace.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

struct tcb_path *path_attach(struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	struct tcb_path *path;

	if (tcb->has_path)
		return cold->path;
	path = pool_get(&tcb_env(tcb)->paths, MEM_ORDINARY);
	if (!path)
		return NULL;
	*path = (struct tcb_path){ .cwnd = cold->cwnd, .ssthresh = cold->ssthresh, .pacing = -1 };
	chrono_enters_path(tcb, path);
	cold->path = path;
	tcb->has_path = true;
	return path;
}

static void free_state(struct tcb *tcb, struct tcb_path *path)
{
	if (path->state)
		mem_put(tcb_env(tcb)->mem, path->state, path->words * sizeof *path->state);
	path->state = NULL;
	path->words = 0;
}

/* What a program set must not be forgotten, nor what the peer counts on. */
static bool is_promised(const struct tcb_path *path)
{
	return path->pacing != -1 || path->max_pacing_rate > 0 || path->ecn.agreed || path->post.to;
}

/* Whether the record holds more than the cold one has room for. */
static bool is_worth_keeping(const struct tcb_path *path)
{
	return path->state || path->reordering_seen || path->spurious > 0 || path->reo_wnd_mult > 1 ||
	       path->plpmtud.low != 0 || is_promised(path) || path->tune.most > 0 || path->bytes_retransmitted > 0 ||
	       path->undo.possible || path->backed_off_us > 0 || chrono_needs_path(path->spent);
}

/* Back to the cold record with what that has room for. */
static void detach(struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	struct tcb_path *const path = cold->path;
	const uint32_t cwnd = path->cwnd, ssthresh = path->ssthresh;

	chrono_leaves_path(tcb, path);
	free_state(tcb, path);
	pool_put(&tcb_env(tcb)->paths, path);
	tcb->has_path = false;
	cold->cwnd = cwnd;
	cold->ssthresh = ssthresh;
}

void path_let_go(struct tcb *tcb)
{
	tern_assert(!tcb->warm);
	if (tcb->has_path)
		detach(tcb);
}

bool path_shed(struct tcb *tcb)
{
	struct tcb_path *const path = path_of(tcb);

	if (!path || tcb->warm)
		return false;
	if (is_promised(path)) {
		const bool has_state = path->state != NULL;

		free_state(tcb, path);
		return has_state;
	}
	detach(tcb);
	return true;
}

uint64_t *path_new_state(struct tcb *tcb, uint16_t words)
{
	struct tcb_path *const path = path_attach(tcb);

	if (!path)
		return NULL;
	free_state(tcb, path);
	path->state = mem_get(tcb_env(tcb)->mem, words * sizeof *path->state, 0, MEM_ORDINARY);
	path->words = path->state ? words : 0;
	return path->state;
}

void path_drop_state(struct tcb *tcb)
{
	if (!tcb->has_path)
		return;
	free_state(tcb, tcb_cold(tcb)->path);
	if (!is_worth_keeping(tcb_cold(tcb)->path))
		detach(tcb);
}

uint32_t path_rto_us(const struct tcb *tcb)
{
	const struct tcb_path *const path = path_of(tcb);
	const uint32_t rto_us = rtt_rto_us(tcb);

	if (!path || path->backed_off_us <= rto_us)
		return rto_us;
	return min_u32(path->backed_off_us, (uint32_t)(tcb_env(tcb)->config.rto_max / TERN_MICROSECOND));
}

void path_rto_rests(struct tcb *tcb)
{
	struct tcb_path *const path = tcb->warm->backed_off ? path_attach(tcb) : path_of(tcb);

	if (path)
		path->backed_off_us = tcb->warm->backed_off ? tcb->warm->rto_us : 0;
}

/* A controller begins; its state, cc_few too, is zeros. One that finds no memory for it gives way to reno. */
static void begin(struct tcb *tcb, struct tcb_warm *warm)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_cc *const cc = &warm->cc;

	cc->ops = cc_at(&env->config, tcb_cold(tcb)->congestion_control);
	cc->state = warm->cc_few;
	if (cc->ops->state_words > CC_FEW_WORDS)
		cc->state = path_new_state(tcb, cc->ops->state_words);
	if (!cc->state) {
		tcb_cold(tcb)->congestion_control = CC_RENO;
		cc->ops = cc_at(&env->config, CC_RENO);
		cc->state = warm->cc_few;
		env->stats.TernCongestionFallback++;
	}
	cc->ops->init(cc);
}

static inline void restart_after_idle(struct tcb *tcb, struct tern_cc *cc, uint32_t first, uint32_t rto_us,
				      tern_time now)
{
	const tern_time rto = us_to_time(rto_us);
	const tern_time silent = (tern_time)(time_to_ms(now) - tcb_cold(tcb)->heard_ms) * TERN_MILLISECOND;
	const struct tern_cc_restart restart = {
		.now = now,
		.idle = tcb->was_idle ? max_i64(silent, rto + 1) : silent,
		.rto = rto,
		.restart_window = min_u32(first, cc->cwnd),
		.app_limited = true,
	};

	cc_restart(cc, &restart);
}

void path_controller_restarts(struct tcb *tcb, struct tcb_warm *warm, tern_time now)
{
	const uint32_t segments = tcb_env(tcb)->config.initial_window;

	restart_after_idle(tcb, &warm->cc, cc_initial_window(tcb->mss, segments), warm->rto_us, now);
}

void path_mss_changed(struct tcb *tcb, uint16_t mss)
{
	tcb->mss = mss;
	if (tcb->warm)
		cc_mss_changed(&tcb->warm->cc, mss);
	else if (*path_cwnd(tcb) > 0)
		*path_cwnd(tcb) = max_u32(*path_cwnd(tcb), mss);
}

void path_controller_wakes(struct tcb *tcb, struct tcb_warm *warm, tern_time now)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;
	const struct tcb_path *const path = path_of(tcb);
	const uint32_t mss = tcb->mss ? tcb->mss : config->mss_floor;
	const uint32_t first = cc_initial_window(mss, config->initial_window);
	const bool goes_on = *path_cwnd(tcb) > 0;
	struct tern_cc *const cc = &warm->cc;

	*cc = (struct tern_cc){
		.cwnd = goes_on ? *path_cwnd(tcb) : first,
		.ssthresh = goes_on ? *path_ssthresh(tcb) : CC_NO_SSTHRESH,
		.mss = mss,
	};
	if (path && path->state) {
		cc->ops = cc_at(&tcb_env(tcb)->config, tcb_cold(tcb)->congestion_control);
		cc->state = path->state;
		cc->pacing_rate = path->pacing_rate;
		cc->quantum = path->quantum;
		cc->mss = path->mss ? path->mss : mss;
		if (cc->mss != mss)
			cc_mss_changed(cc, mss);
		tern_assert(path->words == cc->ops->state_words);
	} else {
		begin(tcb, warm);
	}
	cc->paced = pace_is_on(tcb, cc->ops);
	if (goes_on)
		restart_after_idle(tcb, cc, first, warm->rto_us, now);
}

/* State that stands in the warm record moves to memory of its own. */
static void keep_state(struct tcb *tcb, const struct tern_cc *cc)
{
	const size_t octets = cc->ops->state_words * sizeof *cc->state;
	uint64_t *state;

	if (tcb->has_path && tcb_cold(tcb)->path->state == cc->state)
		return;
	state = octets > 0 ? path_new_state(tcb, cc->ops->state_words) : NULL;
	if (state)
		memcpy(state, cc->state, octets);
}

void path_controller_rests(struct tcb *tcb)
{
	const struct tern_cc cc = tcb->warm->cc;

	if (cc_at_rest(&cc))
		path_drop_state(tcb);
	else
		keep_state(tcb, &cc);
	*path_cwnd(tcb) = cc.cwnd;
	*path_ssthresh(tcb) = cc.ssthresh;
	if (tcb->has_path) {
		tcb_cold(tcb)->path->pacing_rate = cc.pacing_rate;
		tcb_cold(tcb)->path->quantum = cc.quantum;
		tcb_cold(tcb)->path->mss = (uint16_t)cc.mss;
	}
}

void path_controller_changes(struct tcb *tcb, uint8_t number)
{
	tcb_cold(tcb)->congestion_control = number & 63u;
	path_drop_state(tcb);
	if (!tcb->warm)
		return;
	tcb->warm->cc.pacing_rate = 0;
	tcb->warm->cc.quantum = 0;
	memset(tcb->warm->cc_few, 0, sizeof tcb->warm->cc_few);
	begin(tcb, tcb->warm);
	tcb->warm->cc.paced = pace_is_on(tcb, tcb->warm->cc.ops);
}
