#include "tcp/congestion.h"
#include "base/bytes.h"

static const struct tern_cc_ops *const controllers[] = { &cc_reno, &cc_cubic, &cc_bbr, &cc_dctcp, &cc_prague };

enum { BUILT_IN = sizeof controllers / sizeof *controllers };

const struct tern_cc_ops *cc_at(const struct tern_config *config, int number)
{
	if (number < 0 || number >= BUILT_IN + config->n_controllers)
		return NULL;
	return number < BUILT_IN ? controllers[number] : config->controllers[number - BUILT_IN];
}

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Of ours and of the program's own (MAY-18). */
int cc_by_name(const struct tern_config *config, const char *name)
{
	for (int i = 0; cc_at(config, i); i++)
		if (same_name(cc_at(config, i)->name, name))
			return i;
	return -TERN_ENOENT;
}

static bool name_is_right(const char *name)
{
	int n = 0;

	while (name && n <= CC_NAME_MOST && name[n])
		n++;
	return n > 0 && n <= CC_NAME_MOST;
}

bool cc_controllers_are_right(const struct tern_config *config)
{
	if (config->n_controllers > TERN_CC_OWN || (config->n_controllers > 0 && !config->controllers))
		return false;
	for (int i = 0; i < config->n_controllers; i++) {
		const struct tern_cc_ops *const ops = config->controllers[i];

		if (!ops || !name_is_right(ops->name) || !ops->init || !ops->ack)
			return false;
		if (ops->state_words > TERN_CC_STATE_WORDS || ops->ecn > TERN_CC_ECN_SCALABLE)
			return false;
		if (cc_by_name(config, ops->name) != BUILT_IN + i)
			return false; /* taken */
	}
	return true;
}

void cc_loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	if (cc->ops->loss) {
		cc->ops->loss(cc, loss);
		return;
	}
	cc->ssthresh = max_u32(loss->in_flight / 2, 2 * cc->mss); /* RFC 5681 equation 4 */
	cc->cwnd = cc->ssthresh;
}

void cc_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	if (cc->ops->ecn_echo)
		cc->ops->ecn_echo(cc, loss);
	else
		cc_loss(cc, loss);
}

/* RFC5681-3.1-9. */
void cc_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first)
{
	if (cc->ops->rto)
		cc->ops->rto(cc, loss, first);
	else
		cc_loss(cc, loss);
	cc->cwnd = min_u32(cc->cwnd, cc->mss); /* RFC 5681 3.1: the loss window */
}

void cc_lost(struct tern_cc *cc, const struct tern_cc_lost *lost)
{
	if (cc->ops->lost)
		cc->ops->lost(cc, lost);
}

void cc_recovered(struct tern_cc *cc, uint32_t in_flight)
{
	if (cc->ops->recovered)
		cc->ops->recovered(cc, in_flight);
}

void cc_undo(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh)
{
	if (cc->ops->undo) {
		cc->ops->undo(cc, cwnd, ssthresh);
		return;
	}
	cc->cwnd = max_u32(cc->cwnd, cwnd);
	cc->ssthresh = max_u32(cc->ssthresh, ssthresh);
}

void cc_mss_changed(struct tern_cc *cc, uint32_t mss)
{
	if (cc->ops->mss_changed)
		cc->ops->mss_changed(cc, mss);
	cc->mss = mss;
	cc->cwnd = max_u32(cc->cwnd, mss);
}

bool cc_at_rest(const struct tern_cc *cc)
{
	return !cc->ops->at_rest || cc->ops->at_rest(cc);
}

void cc_shift(struct tern_cc *cc, tern_time by)
{
	if (cc->ops->shift)
		cc->ops->shift(cc, by);
}
