/* A peer that says anything: ACKs, SACK blocks, windows, marks and timestamps by chance, between time-outs, writes and
 * path MTUs. The block is checked after every step (tcb_check); what it sends stays within its windows. */
#include "support/proof.h"
#include "unit/tcp_rig.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { M = RIG_MSS, STEPS = 3000, RUNS = 60 };

static uint64_t chance_state;
static uint32_t this_run;
static struct sigaction before;

/* TERN_PROOF_RUN=N: that one alone. */
static uint32_t first_run(uint32_t *runs)
{
	const char *const asked = getenv("TERN_PROOF_RUN");

	if (!asked)
		return 0;
	*runs = (uint32_t)strtoul(asked, NULL, 10) + 1;
	return *runs - 1;
}

/* What a failed assertion of the stack's own ends with: says which run it was, and leaves the rest to cmocka. */
static void trapped(int signal)
{
	char	  line[120];
	const int n = snprintf(line, sizeof line, "TERN_PROOF_RUN=%u tests/unit/tcp_recovery_hostile_test: ISS %u\n",
			       this_run, rig_iss);

	if (write(STDERR_FILENO, line, (size_t)n) != n)
		_exit(1);
	(void)sigaction(signal, &before, NULL);
}

static uint32_t chance(uint32_t n)
{
	chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance_state >> 33) % n;
}

/* A number near what flies: inside it mostly, at a segment's edge often. */
static uint32_t number(const struct rig *r)
{
	const uint32_t una = r->tcb->snd.una.v - r->iss, span = seq_sub(r->tcb->snd.nxt, r->tcb->snd.una);

	switch (chance(6)) {
	case 0:
		return una - chance(3 * M);
	case 1:
		return una + span + chance(3 * M);
	case 2:
		return una + chance(span + 1);
	default:
		return una + chance(span / M + 1) * M;
	}
}

static void lies(struct rig *r)
{
	struct tcp_segment seg = rig_segment(r, TCP_ACK | (chance(8) == 0 ? TCP_ECE : 0), 1, 0, 0);

	seg.ack = chance(3) == 0 ? (seq_t){ r->iss + number(r) } : r->tcb->snd.una;
	seg.wnd = chance(12) == 0 ? (uint16_t)chance(3000) : 65535;
	seg.opt.ts_ecr = chance(4) == 0 ? (uint32_t)chance_state : r->out.seg.opt.ts_val - chance(50);
	for (seg.opt.n_sack = 0; seg.opt.n_sack < chance(5) && r->tcb->sack_ok; seg.opt.n_sack++) {
		const uint32_t left = r->iss + number(r), right = left + chance(6) * M + chance(2);

		seg.opt.sack[seg.opt.n_sack] = (struct tcp_sack_block){ { left }, { right } };
	}
	rig_arrive(r, &seg);
}

static void step(struct rig *r, uint32_t *written)
{
	const uint32_t n = 1 + chance(chance(2) ? 8 * M : 300);

	switch (chance(20)) {
	case 0:
	case 1:
	case 2:
		if (status_of(r).unsent < 30000 && *written + n < (1u << 30)) {
			const ptrdiff_t took = tcp_send(r->tcb, rig_octets(r, *written, n), n, 0, r->now);

			*written += took > 0 ? (uint32_t)took : 0;
		}
		break;
	case 3:
		if (wait_of(r) < 20 * TERN_SECOND)
			expires(r);
		break;
	case 4:
		if (chance(10) == 0)
			tcp_path_mtu(r->tcb, 576 + chance(925), r->now);
		break;
	case 5:
		if (chance(20) == 0)
			tcp_option_set(r->tcb, TERN_SACK_COUNTING, chance(2), r->now);
		if (chance(20) == 0)
			tcp_option_set(r->tcb, TERN_NODELAY, chance(2), r->now);
		break;
	default:
		lies(r);
	}
}

static void anything_is_survived(struct rig *r)
{
	static const char *const controllers[] = { "reno", "cubic", "bbr" };
	const struct sigaction tells = { .sa_handler = trapped };
	uint32_t runs = proof_runs(RUNS);
	const uint32_t first = first_run(&runs);

	(void)sigaction(SIGILL, &tells, &before);
	for (uint32_t run = first; run < runs; run++) {
		uint32_t written = 0;

		this_run = run;
		rig_end(r);
		rig_begin(r);
		chance_state = run * 977 + rig_iss;
		r->peer.sack = run % 4 != 0;
		r->peer.ts = run % 3 == 0;
		established(r);
		tcp_set_congestion_control(r->tcb, controllers[run % 3]);
		r->tcb->ecn_ok = true;
		for (uint32_t i = 0; i < STEPS && r->tcb->state != CLOSED; i++) {
			pass(r, chance(4) == 0 ? ms(chance(20)) : chance(1000) * TERN_MICROSECOND);
			tcp_expire(r->tcb, r->now);
			step(r, &written);
			tcb_check(r->tcb);
			if (chance(3))
				drain(r);
			assert_true(seq_sub(r->tcb->snd.nxt, r->tcb->snd.una) <= r->tcb->snd.max_wnd + 1);
		}
	}
	(void)sigaction(SIGILL, &before, NULL);
	printf("%u runs of at most %d steps\n", runs - first, STEPS);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(anything_is_survived),
	};

	return RIG_RUN("recovery, a hostile peer", cases);
}
