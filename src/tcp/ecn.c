#include "tcp/ecn.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/warm.h"

enum { ACE_MASK = 7, COUNT_MASK = 0xffffff, ACE_BROKEN = 7, ACE_CE_AND_AE = 5 };

static unsigned ace_of(const struct tcp_segment *seg)
{
	return (seg->flags & TCP_AE ? 4u : 0) | (seg->flags & TCP_CWR ? 2u : 0) | (seg->flags & TCP_ECE ? 1u : 0);
}

static uint16_t flags_of(unsigned ace)
{
	return (uint16_t)((ace & 4 ? TCP_AE : 0) | (ace & 2 ? TCP_CWR : 0) | (ace & 1 ? TCP_ECE : 0));
}

/* RFC 9768 3.1.1 table 2, 3.2.2.1 table 3: how the packet that is answered was marked. */
static unsigned ace_for_field(unsigned field)
{
	static const uint8_t told[] = { [ECN_NOT_ECT] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6 };

	return told[field & ECN_FIELD];
}

static struct tcb_ecn *ecn_of(const struct tcb *tcb)
{
	return tcb->has_path ? &path_of(tcb)->ecn : NULL;
}

static bool is_accurate(const struct tcb *tcb)
{
	return tcb->ecn_ok && tcb->has_path && path_of(tcb)->ecn.accurate;
}

static void note(const struct tcb *tcb, enum tern_note what, uint32_t value, tern_time now)
{
	struct tern_tuple tuple;

	if (!env_is_watched(tcb_env(tcb)))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_note(tcb_env(tcb), &tuple, (enum tcp_state)tcb->state, what, value, now);
}

static void distrust(struct tcb *tcb, tern_time now)
{
	struct tcb_ecn *const ecn = ecn_of(tcb);

	if (ecn->distrust)
		return;
	ecn->distrust = true;
	tcb_env(tcb)->stats.TernEcnMangled++;
	note(tcb, TERN_NOTE_ECN_MANGLED, 0, now);
}

enum tern_ecn ecn_setting(enum tern_ecn set, const struct tern_cc_ops *controller)
{
	return set != TERN_ECN_OFF && controller->ecn != TERN_CC_ECN_NONE ? TERN_ECN_ACCURATE : set;
}

static enum tern_ecn setting_of(const struct tcb *tcb)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	return ecn_setting((enum tern_ecn)cold->ecn, cc_at(&tcb_env(tcb)->config, cold->congestion_control));
}

/* ---- handshake ---- */

uint8_t ecn_agree(enum tern_ecn set, const struct tcp_segment *syn, uint8_t traffic_class)
{
	const unsigned ace = ace_of(syn), field = traffic_class & ECN_FIELD;

	if (set == TERN_ECN_OFF || ace == 0)
		return ECN_NONE;
	if (set == TERN_ECN_ACCURATE && ace != 3) /* even what is not defined yet: RFC 9768 3.1.3 */
		return (uint8_t)(ECN_ACCURATE + field);
	/* RFC 3168 6.1.1: ECE and CWR, AE being none of its business; a SYN that is ECN-capable is none of
	 * its kind. */
	return (ace & 3) == 3 && (field == ECN_NOT_ECT || ace == ACE_BROKEN) ? ECN_CLASSIC : ECN_NONE;
}

uint8_t ecn_recall(enum tern_ecn set, const struct tcp_segment *ack)
{
	if (set == TERN_ECN_OFF)
		return ECN_NONE;
	return set == TERN_ECN_ACCURATE && ace_of(ack) > 1 ? ECN_ACCURATE : ECN_CLASSIC;
}

uint16_t ecn_syn_ack_flags(uint8_t agreed)
{
	if (agreed >= ECN_ACCURATE)
		return flags_of(ace_for_field(agreed & ECN_FIELD));
	return agreed == ECN_CLASSIC ? TCP_ECE : 0;
}

/* What a SYN asks for (SHLD-8). */
uint16_t ecn_syn_flags(const struct tcb *tcb, unsigned times)
{
	const enum tern_ecn set = setting_of(tcb);

	if (set == TERN_ECN_ACCURATE)
		return times < 2 ? TCP_AE | TCP_CWR | TCP_ECE : 0;
	return set == TERN_ECN_ON && times == 0 ? TCP_CWR | TCP_ECE : 0;
}

/* Without memory for the counts there is no ECN: all that leaves then says so. */
static void begin(struct tcb *tcb, bool accurate, tern_time now)
{
	struct tcb_path *const path = path_attach(tcb);

	tcb->ecn_ok = path != NULL;
	if (!path)
		return;
	path->ecn = (struct tcb_ecn){
		.r_cep = ECN_CEP_FIRST, .r_e0b = 1, .r_e1b = 1, .s_cep = ECN_CEP_FIRST,
		.agreed = true, .accurate = accurate,
	};
	tcb_env(tcb)->stats.TernEcnAgreed++;
	note(tcb, TERN_NOTE_ECN_AGREED, accurate ? 9768 : 3168, now);
}

void ecn_opened(struct tcb *tcb, uint8_t agreed, tern_time now)
{
	if (agreed != ECN_NONE)
		begin(tcb, agreed >= ECN_ACCURATE, now);
	if (is_accurate(tcb) && agreed == ECN_ACCURATE + ECN_CE)
		ecn_of(tcb)->r_cep++;
}

void ecn_syn_answered(struct tcb *tcb, const struct tcp_segment *syn_ack, tern_time now)
{
	const enum tern_ecn set = setting_of(tcb);
	const unsigned ace = ace_of(syn_ack), field = tcb->rcv.traffic_class & ECN_FIELD;

	if ((set != TERN_ECN_ON && set != TERN_ECN_ACCURATE) || ace == 0 || ace == ACE_BROKEN)
		return;
	if (set == TERN_ECN_ON || ace == 1) { /* RFC 3168 6.1.1: ECE without CWR */
		if ((ace & 3) == 1)
			begin(tcb, false, now);
		return;
	}
	begin(tcb, true, now);
	if (!tcb->ecn_ok)
		return;
	ecn_of(tcb)->handshake = (uint8_t)(ECN_ACCURATE + field);
	ecn_of(tcb)->r_cep += field == ECN_CE;
	/* Our SYN was not ECN-capable: whoever says otherwise met a meddler (3.2.2.3). 5 is for the future. */
	if (ace != ace_for_field(ECN_NOT_ECT) && ace != ACE_CE_AND_AE)
		distrust(tcb, now);
}

/* RFC 9768 3.2.2.1 table 4: the ACK of our SYN-ACK tells how that came, which was not ECN-capable. */
void ecn_handshake_done(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	const unsigned ace = ace_of(seg);

	if (!is_accurate(tcb) || seg->text_len > 0 || seg->flags & TCP_FIN)
		return;
	ecn_of(tcb)->heard = true; /* its ACE is no count */
	if (ace == 6)
		ecn_of(tcb)->s_cep++;
	if (ace == 0 || ace == 3 || ace == 4 || ace == 6)
		distrust(tcb, now);
}

/* ---- receiving ---- */

/* Whether every mark is wanted though the peer can only say yes or no (RFC 8257 3.2). */
static bool echoes_each(const struct tcb *tcb)
{
	return cc_at(&tcb_env(tcb)->config, tcb_cold(tcb)->congestion_control)->ecn != TERN_CC_ECN_NONE;
}

static void arrived_classic(struct tcb *tcb, const struct tcp_segment *seg, bool marked, uint32_t len, tern_time now)
{
	const bool before = tcb->ecn_echo;

	if (len == 0)
		return;
	if (seg->flags & TCP_CWR || echoes_each(tcb))
		tcb->ecn_echo = false;
	if (marked)
		tcb->ecn_echo = true;
	/* Either end of it is news to a sender whose window may be small. */
	if (before != tcb->ecn_echo || seg->flags & TCP_CWR)
		tcb->due |= DUE_ACK;
	if (!before && tcb->ecn_echo)
		note(tcb, TERN_NOTE_CE_RECEIVED, 0, now);
}

static void arrived_accurate(struct tcb *tcb, const struct tcp_segment *seg, unsigned field, uint32_t segments,
			     uint32_t len, tern_time now)
{
	struct tcb_ecn *const ecn = ecn_of(tcb);

	if (!ecn->heard && ace_of(seg) == 0) /* 3.2.2.4: somebody clears it */
		distrust(tcb, now);
	ecn->heard = true;
	ecn->optional |= seg->opt.n_accecn > 0;
	if (field == ECN_ECT0)
		ecn->r_e0b += len;
	if (field == ECN_ECT1)
		ecn->r_e1b += len;
	if (field != ECN_CE)
		return;
	if (ecn->r_cep == ECN_CEP_FIRST)
		note(tcb, TERN_NOTE_CE_RECEIVED, 0, now);
	ecn->r_ceb += len;
	ecn->r_cep += segments;
	ecn->pending = (uint8_t)min_u32(ecn->pending + segments, UINT8_MAX);
	if (len > 0) /* 3.2.2.6: the first after others at once, and every second */
		tcb->due |= DUE_ACK;
}

void ecn_arrived(struct tcb *tcb, const struct tcp_segment *seg, uint32_t len, tern_time now)
{
	const unsigned field = tcb->rcv.traffic_class & ECN_FIELD;
	/* What is longer than a segment was joined by the link, and all of it was marked alike. */
	const uint32_t segments = max_u32(1, (seg->text_len + tcb->mss - 1) / tcb->mss);

	if (!tcb->ecn_ok)
		return;
	if (is_accurate(tcb)) {
		arrived_accurate(tcb, seg, field, segments, len, now);
		return;
	}
	if (field == ECN_CE && tcb->has_path)
		ecn_of(tcb)->r_cep += segments;
	arrived_classic(tcb, seg, field == ECN_CE, len, now);
}

uint16_t ecn_ack_flags(struct tcb *tcb, bool bare)
{
	struct tcb_ecn *const ecn = ecn_of(tcb);
	unsigned ace;

	if (!tcb->ecn_ok)
		return 0;
	if (!is_accurate(tcb))
		return tcb->ecn_echo ? TCP_ECE : 0;
	ace = ecn->handshake && bare ? ace_for_field(ecn->handshake & ECN_FIELD) : ecn->r_cep & ACE_MASK;
	ecn->handshake = 0;
	ecn->pending = 0;
	return flags_of(ace);
}

void ecn_add_option(const struct tcb *tcb, struct tcp_options *opt)
{
	const struct tcb_ecn *const ecn = ecn_of(tcb);

	if (!is_accurate(tcb))
		return;
	opt->accecn_1 = ecn->r_e1b - 1 > ecn->r_e0b - 1; /* what is in use comes first: a short one keeps it */
	opt->accecn[0] = (opt->accecn_1 ? ecn->r_e1b : ecn->r_e0b) & COUNT_MASK;
	opt->accecn[1] = ecn->r_ceb & COUNT_MASK;
	opt->accecn[2] = (opt->accecn_1 ? ecn->r_e0b : ecn->r_e1b) & COUNT_MASK;
	opt->n_accecn = TCP_ACCECN_FIELDS;
}

/* ---- sending ---- */

uint8_t ecn_field(const struct tcb *tcb)
{
	const struct tcb_ecn *const ecn = ecn_of(tcb);

	if (!tcb->ecn_ok || (ecn && ecn->distrust))
		return ECN_NOT_ECT;
	/* RFC 9331 4.3: ECT(1) is for those who can be told every mark. */
	return is_accurate(tcb) && tcb->warm->cc.ops->ecn == TERN_CC_ECN_SCALABLE ? ECN_ECT1 : ECN_ECT0;
}

bool ecn_cwr_is_due(const struct tcb *tcb)
{
	return tcb->warm->ecn_cwr && tcb->ecn_ok && !is_accurate(tcb);
}

void ecn_cwr_sent(struct tcb *tcb)
{
	tcb->warm->ecn_cwr = false;
}

void ecn_window_reduced(struct tcb *tcb)
{
	tcb->warm->ecn_cwr = tcb->ecn_ok;
}

/* How many of `segments` newly delivered were marked, by ACE (RFC 9768 A.1): where it may have gone round,
 * the octets of the option say how often; without them, as often as can be. */
static uint32_t newly_marked(struct tcb *tcb, const struct tcp_segment *seg, uint32_t segments, uint32_t *octets)
{
	struct tcb_ecn *const ecn = ecn_of(tcb);
	const uint32_t delta = (ace_of(seg) - ecn->s_cep) & ACE_MASK;
	const uint32_t most = segments < delta ? delta : segments - ((segments - delta) & ACE_MASK);
	const bool told = seg->opt.n_accecn >= 2;
	uint32_t n = most;

	if (told) {
		*octets = (seg->opt.accecn[1] - ecn->s_ceb) & COUNT_MASK;
		ecn->s_ceb += *octets;
		n = delta;
		while (n + ACE_MASK + 1 <= most && (uint64_t)n * tcb->mss < *octets)
			n += ACE_MASK + 1;
	} else if (delta == 0 && segments <= 2 * ACE_MASK) {
		n = 0; /* a whole round of marks within one ACK of so few is the less likely story */
	}
	if (!told)
		*octets = n * tcb->mss;
	ecn->s_cep += n;
	return n;
}

static uint32_t feedback_accurate(struct tcb *tcb, const struct tcp_segment *seg, uint32_t segments, uint32_t octets)
{
	uint32_t marked_octets = 0, marked;

	if (seg->flags & TCP_SYN || octets == 0) /* an older one, perhaps: its counts are behind */
		return 0;
	marked = min_u32(newly_marked(tcb, seg, segments, &marked_octets), max_u32(segments, 1));
	if (ecn_of(tcb)->distrust || marked == 0)
		return 0;
	ecn_of(tcb)->delivered_ce += marked;
	tcb_env(tcb)->stats.TCPDeliveredCE += marked;
	return min_u32(max_u32(marked_octets, 1), octets);
}

static uint32_t feedback_classic(struct tcb *tcb, const struct tcp_segment *seg, uint32_t segments, uint32_t octets)
{
	if (!(seg->flags & TCP_ECE) || seg->flags & TCP_SYN)
		return 0;
	if (tcb->has_path)
		ecn_of(tcb)->delivered_ce += segments;
	tcb_env(tcb)->stats.TCPDeliveredCE += segments;
	return octets;
}

uint32_t ecn_feedback(struct tcb *tcb, const struct tcp_segment *seg, uint32_t segments, uint32_t octets,
		      tern_time now)
{
	const struct tern_cc_ops *const ops = tcb->warm->cc.ops;
	const bool accurate = is_accurate(tcb);
	uint32_t marked;

	if (!tcb->ecn_ok || (tcb->has_path && ecn_of(tcb)->distrust && !accurate))
		return 0;
	if (accurate)
		marked = feedback_accurate(tcb, seg, segments, octets);
	else
		marked = feedback_classic(tcb, seg, segments, octets);
	if (marked > 0 && ops->ecn == TERN_CC_ECN_NONE)
		recovery_congested(tcb, octets, now); /* RFC 3168 6.1.2 */
	/* A scalable controller without accurate feedback responds as classic ones do (RFC 9331 4.3). */
	if (marked > 0 && ops->ecn == TERN_CC_ECN_SCALABLE && !accurate) {
		recovery_congested(tcb, octets, now);
		return 0;
	}
	return marked;
}
