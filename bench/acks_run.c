/* One connection, no host: ACKs are made here and handed to SEGMENT ARRIVES. What is not to be counted - the
 * segments that leave, the making of the ACK, a new connection where a kind has used one up - happens outside
 * of acks_measured(), which is kept whole for callgrind to find.
 *
 * Kinds, n segments of MSS octets in flight, sent and numbered 0 to n - 1:
 *   in order       each ACK takes two, two more leave
 *   1 % loss       a path that holds n and loses every hundredth; ACKs with the three blocks that grew last;
 *                  what is repaired arrives behind all that flew before it
 *   repeated       0 is missing; the same four blocks, over all the others, again and again
 *   alternating    every other segment is SACKed, a block for each, four an ACK, upwards
 *   backwards      the same from the end down, one an ACK; not the first three, which show all below lost: that
 *                  is work for each segment, done once
 *   known singles  all of `alternating` known; four blocks of one known segment each, at random
 *   tiny           blocks of one octet within segments, at random: they cover none
 *   D-SACK         a block below SND.UNA, three of known segments
 */
#include "acks_run.h"
#include "bench.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"
#include <stdlib.h>
#include <string.h>
#include <tern/host.h>

enum { MSS = 500, OPTIONS = 12, MTU = 1500, IRS = 5000, CHUNK = 1 << 20, SEND_BUFFER = 1 << 29 };

const struct acks_kind acks_kinds[ACKS_KINDS] = {
	{ "in order", false }, { "1 % loss", false }, { "repeated", true },	 { "alternating", true },
	{ "backwards", true }, { "known singles", true }, { "tiny", true }, { "D-SACK", true },
};
enum kind { IN_ORDER, LOSS, REPEATED, ALTERNATING, BACKWARDS, SINGLES, TINY, DSACK };

struct ends {
	struct mem	mem;
	struct tcp_env	env;
	struct tcb_pool pool;
	struct tcb     *tcb;
	tern_time	now;
	uint32_t	n;    /* segments to keep in flight */
	uint32_t	at;   /* what a kind has come to */
	uint64_t	drawn;
	seq_t		first; /* of text */
	/* The path of LOSS: segments by number, as they left. */
	uint32_t *path, path_room, path_in, path_out;
	bool	 *has; /* what the peer has, by number modulo path_room */
	uint32_t  edge; /* the first that it has not */
	uint32_t  grew[3];
};

static uint8_t text[CHUNK];

static void *get(void *context, size_t size, size_t align)
{
	(void)context;
	return aligned_alloc(align, (size + align - 1) / align * align);
}

static void put(void *context, void *block, size_t size)
{
	(void)context, (void)size;
	free(block);
}

static void released(void *context, const void *from, size_t n)
{
	(void)context, (void)from, (void)n;
}

/* Below n; the same in every run. */
static uint32_t draw(struct ends *e, uint32_t n)
{
	e->drawn = e->drawn * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((e->drawn >> 33) % n);
}

/* ---- the connection ---- */

static struct tcp_segment from_peer(const struct ends *e, seq_t ack)
{
	return (struct tcp_segment){ .src_port = 80, .dst_port = 40000, .seq = seq(IRS + 1), .ack = ack,
				     .flags = TCP_ACK, .wnd = 65535,
				     .opt = { .has_ts = true, .ts_val = (uint32_t)(e->now / TERN_MILLISECOND),
					      .ts_ecr = tcp_ts_clock(e->now) + e->tcb->ts.offset } };
}

static void must(bool holds, const char *what)
{
	if (!holds)
		bench_fail("acks: %s", what);
}

static void give_text(struct ends *e, uint32_t octets)
{
	tcb_cold(e->tcb)->send_buffer = SEND_BUFFER;
	while (octets > 0) {
		const uint32_t n = octets < CHUNK ? octets : CHUNK;

		must(tcp_send_owned(e->tcb, text, n, 0, released, NULL, e->now) == (ptrdiff_t)n, "text is not taken");
		octets -= n;
	}
}

/* The window that keeps n in flight, whatever the controller made of the ACKs before. */
static void set_window(struct ends *e)
{
	if (e->tcb->warm)
		e->tcb->warm->cc.cwnd = e->n * MSS;
}

/* All that may leave does; onto the path, where there is one. */
static void emit_all(struct ends *e, uint32_t limit)
{
	struct tcp_out out;

	while (tcp_emit(e->tcb, limit, e->now, &out)) {
		if (!e->path || out.seg.text_len == 0)
			continue;
		must(out.seg.text_len == MSS, "a segment of another length");
		must(e->path_in - e->path_out < e->path_room, "more in flight than the path holds");
		e->path[e->path_in++ % e->path_room] = seq_sub(out.seg.seq, e->first) / MSS;
	}
}

static void open_connection(struct ends *e)
{
	struct tcp_segment seg;
	struct tcp_out out;

	must(tcp_open_active(e->tcb, MTU, e->now) == 0 && tcp_emit(e->tcb, MSS, e->now, &out), "no SYN");
	e->first = seq_add(out.seg.seq, 1);
	e->now += 10 * TERN_MILLISECOND;
	seg = from_peer(e, e->first);
	seg.seq = seq(IRS);
	seg.flags = TCP_SYN | TCP_ACK;
	seg.opt.has_mss = seg.opt.has_wscale = seg.opt.sack_permitted = true;
	seg.opt.mss = MSS + OPTIONS;
	seg.opt.wscale = TCP_WSCALE_MAX;
	must(tcp_arrive(e->tcb, &seg, 0, 0, e->now) == TERN_VERDICT_ACCEPTED, "the handshake failed");
	emit_all(e, MSS);
	seg = from_peer(e, e->first); /* the window, scaled */
	(void)tcp_arrive(e->tcb, &seg, 0, 0, e->now);
	must(e->tcb->mss == MSS, "another MSS");
}

static void begin(struct ends *e, enum kind kind, uint32_t n)
{
	struct tern_config config;
	struct tern_tuple tuple = { .local_port = 40000, .remote_port = 80 };

	memset(e, 0, sizeof *e);
	e->drawn = n + kind;
	e->n = n;
	e->now = 1000 * TERN_SECOND;
	tern_config_default(&config);
	config.allocator = (struct tern_allocator){ get, put, NULL };
	mem_init(&e->mem, &config.allocator, (size_t)1 << 30, 1 << 20);
	tcp_env_init(&e->env, &config, &e->mem);
	tcb_pool_init(&e->pool, &e->env, 4);
	e->tcb = tcb_pool_get(&e->pool);
	must(e->tcb != NULL && tern_addr_parse(&tuple.local, "10.0.0.1") == 0 &&
		     tern_addr_parse(&tuple.remote, "10.0.0.2") == 0, "no connection");
	tcb_set_tuple(e->tcb, &tuple);
	e->tcb->held = true;
	open_connection(e);
	if (kind == LOSS) {
		for (e->path_room = 16; e->path_room < 2 * n + 16;)
			e->path_room *= 2;
		e->path = bench_alloc(e->path_room * sizeof *e->path);
		e->has = calloc(e->path_room, sizeof *e->has);
		must(e->has != NULL, "no memory");
	}
	give_text(e, n * MSS);
	for (uint32_t sent = 0; sent < n; e->now += TERN_MICROSECOND) { /* in bursts, as from a program */
		set_window(e);
		emit_all(e, kind == LOSS ? MSS : 65000 / MSS * MSS);
		must(e->tcb->warm->flight.n > sent, "nothing leaves");
		sent = e->tcb->warm->flight.n;
	}
	must(e->tcb->warm->flight.n == n, "not as many in flight as asked");
	e->now += 100 * TERN_MILLISECOND;
}

static void end(struct ends *e)
{
	tcp_release(e->tcb);
	tcb_pool_put(&e->pool, e->tcb);
	tcb_pool_done(&e->pool);
	tcp_env_done(&e->env);
	free(e->path);
	free(e->has);
}

/* ---- the kinds ---- */

static void add_block(const struct ends *e, struct tcp_segment *seg, uint32_t from, uint32_t until)
{
	seg->opt.sack[seg->opt.n_sack++] = (struct tcp_sack_block){ seq_add(e->first, from * MSS),
								    seq_add(e->first, until * MSS) };
}

/* The run of segments around one that the peer has. */
static void add_run(const struct ends *e, struct tcp_segment *seg, uint32_t i)
{
	uint32_t until = i + 1;

	while (e->has[until % e->path_room])
		until++;
	while (i > e->edge && e->has[(i - 1) % e->path_room])
		i--;
	add_block(e, seg, i, until);
}

/* What arrives at the peer next, and its ACK. Only the first transmission of every hundredth is lost. */
static struct tcp_segment next_of_path(struct ends *e)
{
	struct tcp_segment seg;
	uint32_t i;
	bool lost;

	do {
		must(e->path_out != e->path_in, "the path is empty");
		i = e->path[e->path_out++ % e->path_room];
		lost = i % 100 == 7 && i >= e->at;
		e->at = lost ? i + 1 : e->at;
	} while (lost || i < e->edge);
	e->has[i % e->path_room] = true;
	if (i != e->grew[0]) {
		e->grew[2] = e->grew[1];
		e->grew[1] = e->grew[0];
	}
	e->grew[0] = i;
	while (e->has[e->edge % e->path_room])
		e->has[e->edge++ % e->path_room] = false;
	seg = from_peer(e, seq_add(e->first, e->edge * MSS));
	for (unsigned k = 0; k < 3; k++)
		if (e->grew[k] > e->edge && e->has[e->grew[k] % e->path_room])
			add_run(e, &seg, e->grew[k]);
	return seg;
}

/* One SACKed that is odd, and known. */
static uint32_t a_known_one(struct ends *e)
{
	return draw(e, e->n / 2) * 2 + 1;
}

static struct tcp_segment next_alternating(struct ends *e)
{
	struct tcp_segment seg = from_peer(e, e->first);

	for (unsigned k = 0; k < 4 && e->at < e->n / 2; k++, e->at++)
		add_block(e, &seg, 2 * e->at + 1, 2 * e->at + 2);
	return seg;
}

static struct tcp_segment next_ack(struct ends *e, enum kind kind)
{
	struct tcp_segment seg = from_peer(e, e->first);

	switch (kind) {
	case IN_ORDER:
		e->at += 2;
		seg.ack = seq_add(e->first, e->at * MSS);
		break;
	case LOSS:
		return next_of_path(e);
	case ALTERNATING:
		return next_alternating(e);
	case REPEATED:
		for (unsigned k = 0; k < 4; k++)
			add_block(e, &seg, 1 + k * (e->n - 1) / 4, 1 + (k + 1) * (e->n - 1) / 4);
		break;
	case BACKWARDS:
		e->at++;
		add_block(e, &seg, e->n - 2 * e->at + 1, e->n - 2 * e->at + 2);
		break;
	case TINY:
		for (unsigned k = 0; k < 4; k++) {
			const uint32_t at = draw(e, e->n) * MSS + MSS / 2;

			seg.opt.sack[seg.opt.n_sack++] = (struct tcp_sack_block){ seq_add(e->first, at),
										  seq_add(e->first, at + 1) };
		}
		break;
	case DSACK:
		seg.opt.sack[seg.opt.n_sack++] = (struct tcp_sack_block){ seq_add(e->first, 0u - MSS), e->first };
		__attribute__((fallthrough));
	case SINGLES:
		while (seg.opt.n_sack < 4) {
			const uint32_t i = a_known_one(e);

			add_block(e, &seg, i, i + 1);
		}
		break;
	}
	return seg;
}

/* How many ACKs of a kind one flight has in it. */
static unsigned has_in_it(enum kind kind, uint32_t n)
{
	if (kind == ALTERNATING)
		return n / 2 / 4 > 0 ? n / 2 / 4 : 1;
	return kind == BACKWARDS ? n / 2 - 4 : UINT32_MAX;
}

__attribute__((noinline)) void acks_measured(struct ends *e, const struct tcp_segment *seg);

void acks_measured(struct ends *e, const struct tcp_segment *seg)
{
	(void)tcp_arrive(e->tcb, seg, 0, 0, e->now);
}

/* What must be known before the counting begins: odd segments SACKed, or all but the first. */
static void prepare(struct ends *e, enum kind kind)
{
	struct tcp_segment seg;

	if (kind == SINGLES || kind == DSACK) {
		while (e->at < e->n / 2) {
			seg = next_alternating(e);
			(void)tcp_arrive(e->tcb, &seg, 0, 0, e->now);
		}
		emit_all(e, MSS);
	}
	for (uint32_t i = 0; kind == LOSS && i < 400; i++) { /* four losses are known, or repaired */
		seg = next_ack(e, kind);
		(void)tcp_arrive(e->tcb, &seg, 0, 0, e->now);
		e->now += 10 * TERN_MICROSECOND; /* else RACK takes the late for lost */
		set_window(e);
		give_text(e, e->n * MSS > tcb_unsent(e->tcb) ? MSS : 0);
		emit_all(e, MSS);
	}
	for (uint32_t i = 0; i < (kind == REPEATED ? 1 : kind == BACKWARDS ? 3 : 0); i++) {
		seg = next_ack(e, kind);
		(void)tcp_arrive(e->tcb, &seg, 0, 0, e->now);
		emit_all(e, MSS);
	}
}

double acks_run(unsigned kind, uint32_t n, unsigned acks)
{
	static struct ends e;
	unsigned left = 0;
	double spent = 0;

	for (unsigned i = 0; i < acks; i++, left--) {
		if (left == 0) {
			if (i > 0)
				end(&e);
			begin(&e, kind, n);
			prepare(&e, kind);
			left = has_in_it(kind, n);
		}
		const struct tcp_segment seg = next_ack(&e, kind);
		const double before = bench_cpu();

		acks_measured(&e, &seg);
		spent += bench_cpu() - before;
		e.now += 10 * TERN_MICROSECOND;
		if (kind == IN_ORDER || kind == LOSS) {
			set_window(&e);
			give_text(&e, 2 * MSS);
		}
		emit_all(&e, MSS);
	}
	end(&e);
	return spent;
}
