/* Captures, whatever they hold: read, put together, inferred from, drawn, told as JSON and explained.
 * First byte, modulo 2: 0 the rest is a file (pcap or pcapng); 1 it is a list of segments of one connection, eight
 * bytes each, captured at both ends, which are also matched.
 */
#include "fuzz/fuzz.h"

#include "support/capture.h"
#include "trace/wait.h"
#include "watch/ladder_svg.h"
#include "trace/flows.h"
#include "trace/pair.h"
#include "trace/table.h"
#include "watch/explain.h"
#include "watch/jsonl.h"
#include "watch/ladder.h"
#include "watch/plot.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS = 400, KEPT = 4, DRAWN = 2 };

static struct trace_flow kept[2][KEPT];
static unsigned		 n_kept[2];
static FILE		*nowhere;
static uint64_t		 flows_seen, changes_seen, again_seen;

static void draw(const struct trace_flow *flow)
{
	const struct ladder_svg_options picture = { .title = "fuzz", .silence = TERN_SECOND };
	struct timeline			timeline;
	struct plot			plot;
	struct trace_row		row;

	timeline_init(&timeline, "client", "server");
	if (trace_story_tell(flow, &timeline) == 0) {
		(void)ladder_write(nowhere, &timeline, &(struct ladder_options){ .columns = 80 });
		(void)jsonl_write(nowhere, &timeline, 0);
		(void)ladder_svg_write(nowhere, &timeline, &picture);
		(void)mermaid_write(nowhere, &timeline, &picture);
		explain_write(nowhere, &timeline,
			      &(struct explain_options){ .language = EXPLAIN_EN, .columns = 80 });
		plot_init(&plot);
		plot_read(&plot, &timeline, 0);
		plot_estimate(&plot, &timeline, 0);
		(void)plot_write(nowhere, &(struct plot_column){ &plot, "client" }, 1, "fuzz");
		plot_done(&plot);
	}
	timeline_done(&timeline);
	trace_row_of(&row, flow);
	trace_row_json(nowhere, &row);
}

/* What can be said of any flow, whatever it was made of. */
static void check(const struct trace_flow *flow)
{
	for (unsigned side = 0; side < 2; side++) {
		const struct trace_end *const end = &flow->end[side];

		if (end->holes > TRACE_HOLES || end->flight.n > TRACE_RECORDS_MAX ||
		    end->flight.n > end->flight.room)
			fuzz_fail("bounds are not kept");
		if ((unsigned)end->state >= TERN_STATES)
			fuzz_fail("a state that is none");
	}
	for (unsigned i = 0; flow->story && i < flow->story->changes; i++) {
		const struct trace_change *const change = &flow->story->change[i];

		if (change->step >= flow->story->n)
			fuzz_fail("a change of state by a segment that is not there");
		if (change->basis == TERN_BASIS_TOLD || change->from == change->to)
			fuzz_fail("a change of state that is none");
	}
}

static uint32_t story(void *context, const struct trace_flow *flow)
{
	(void)context;
	return flow->number <= KEPT ? STEPS : 0;
}

/* What it waits for, said whole, with no time before now. */
static void wait_for(const struct trace_flow *flow)
{
	static const char *const names[2] = { "the client", "the server" };
	struct trace_wait	 wait;
	char			 line[384];

	trace_wait_of(&wait, flow, flow->last);
	if (wait.is_over)
		return;
	(void)stuck_line_seen(line, sizeof line, &wait.facts, names, EXPLAIN_EN);
	if (strpbrk(line, "{}") || wait.facts.idle < 0 || stuck_next_in(&wait.facts) < 0)
		fuzz_fail("waits for: %s", line);
}

static void done(void *context, struct trace_flow *flow)
{
	const unsigned capture = *(const unsigned *)context;

	check(flow);
	wait_for(flow);
	flows_seen++;
	changes_seen += flow->story ? flow->story->changes : 0;
	again_seen += flow->end[0].n.retransmitted;
	if (!flow->story || flow->story->n == 0 || n_kept[capture] == KEPT)
		return;
	if (n_kept[capture] < DRAWN)
		draw(flow);
	kept[capture][n_kept[capture]] = *flow;
	for (unsigned side = 0; side < 2; side++)
		kept[capture][n_kept[capture]].end[side].flight = (struct trace_flight){ .n = 0 };
	n_kept[capture]++;
	flow->story = NULL;
}

static void begin(struct trace_flows *flows, unsigned *capture)
{
	static const uint8_t key[16] = { 7 };

	*flows = (struct trace_flows){ .most = 64, .story = story, .done = done, .context = capture };
	flows->at_side = *capture + 1;
	if (!trace_flows_init(flows, key))
		abort();
}

static void file(const uint8_t *data, size_t size)
{
	static struct trace_flows flows;
	struct trace_decoder	  decoder;
	struct trace_file	  reader;
	struct trace_packet	  packet;
	struct trace_segment	  segment;
	unsigned		  capture = 0;
	enum trace_read		  read;

	if (!trace_file_begin(&reader, capture_fd(data, size)))
		return;
	trace_decoder_init(&decoder);
	begin(&flows, &capture);
	while ((read = trace_file_next(&reader, &packet)) == TRACE_PACKET || read == TRACE_GAP)
		if (read == TRACE_PACKET && trace_decode(&decoder, &packet, &segment))
			(void)trace_flows_segment(&flows, &segment);
	if (reader.offset != size)
		fuzz_fail("%llu of %zu bytes were read", (unsigned long long)reader.offset, size);
	trace_flows_end(&flows);
	trace_decoder_done(&decoder);
	trace_file_close(&reader);
}

/* One of the list: numbers near those that fit, so that most of them mean something. */
static void next_segment(struct fuzz_in *in, struct trace_segment *segment, uint32_t seq[2], tern_time *now,
			 uint8_t *where)
{
	static const uint16_t flags[] = {
		TERN_ACK, TERN_ACK | TERN_PSH, TERN_SYN, TERN_SYN | TERN_ACK, TERN_FIN | TERN_ACK,
		TERN_RST, TERN_RST | TERN_ACK, TERN_ACK
	};
	static const uint16_t lengths[] = { 0, 1, 100, 1448 };
	const uint8_t	      how = fuzz_u8(in), side = how & 1;
	const int8_t	      off = (int8_t)fuzz_u8(in), ack_off = (int8_t)fuzz_u8(in);

	*where = fuzz_u8(in);
	*now += (tern_time)fuzz_u16(in) * 50 * TERN_MICROSECOND;
	*segment = (struct trace_segment){
		.at = *now,
		.seq = seq[side] + (uint32_t)(off * (how & 0x40 ? 1 : 0)) * (off & 1 ? 1448u : 1u),
		.ack = seq[!side] + (uint32_t)(ack_off * (how & 0x80 ? 1 : 0)) * 100u,
		.flags = flags[how >> 1 & 7],
		.len = lengths[how >> 4 & 3],
		.wnd = *where & 0x80 ? 0 : 30000,
	};
	segment->tuple.local = segment->tuple.remote = (struct tern_addr){ { 0 } };
	(void)tern_addr_parse(&segment->tuple.local, side ? "10.0.0.2" : "10.0.0.1");
	(void)tern_addr_parse(&segment->tuple.remote, side ? "10.0.0.1" : "10.0.0.2");
	segment->tuple.local_port = side ? 80 : 1000;
	segment->tuple.remote_port = side ? 1000 : 80;
	if (segment->flags & TERN_SYN)
		segment->len = 0;
	if (segment->flags == TERN_SYN)
		segment->ack = 0;
	segment->opt.has_ts = *where & 0x40;
	segment->opt.ts_val = (uint32_t)(*now / TERN_MILLISECOND);
	if (*where & 0x20) {
		segment->opt.n_sack = 1;
		segment->opt.sack[0].left.v = segment->ack + 1448;
		segment->opt.sack[0].right.v = segment->ack + 2896;
	}
	if (segment->seq == seq[side] && !(segment->flags & TERN_RST))
		seq[side] += trace_seg_len(segment);
	(void)fuzz_u16(in);
}

static void match(void)
{
	for (unsigned i = 0; i < n_kept[0]; i++)
		for (unsigned k = 0; k < n_kept[1]; k++) {
			struct trace_pair pair;

			if (!trace_pair_turn(&kept[0][i], &kept[1][k]))
				continue;
			if (trace_pair_make(&pair, &kept[0][i], &kept[1][k])) {
				const uint64_t shown = pair.matched[0] + pair.matched[1] + pair.lost[0] +
						       pair.lost[1] + pair.stray[0] + pair.stray[1];

				if (shown != pair.flow.story->n)
					fuzz_fail("%llu segments of %u", (unsigned long long)shown,
						  pair.flow.story->n);
				check(&pair.flow);
				draw(&pair.flow);
			}
			trace_pair_done(&pair);
		}
}

static void segments(const uint8_t *data, size_t size)
{
	static struct trace_flows flows[2];
	struct fuzz_in		  in = { data, size };
	unsigned		  capture[2] = { 0, 1 };
	uint32_t		  seq[2] = { UINT32_MAX - 1000, 7000 };
	tern_time		  now = 0;
	uint64_t		  number = 0;

	begin(&flows[0], &capture[0]);
	begin(&flows[1], &capture[1]);
	while (in.n > 0 && number < STEPS) {
		struct trace_segment segment;
		uint8_t		     where;

		next_segment(&in, &segment, seq, &now, &where);
		segment.packet = ++number;
		if (where & 1 || !(where & 2))
			(void)trace_flows_segment(&flows[0], &segment);
		segment.at += (where & 0x1c) * TERN_MILLISECOND;
		if (where & 2 || !(where & 1))
			(void)trace_flows_segment(&flows[1], &segment);
	}
	trace_flows_end(&flows[0]);
	trace_flows_end(&flows[1]);
	match();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	n_kept[0] = n_kept[1] = 0;
	if (data[0] % 2 == 0)
		file(data + 1, size - 1);
	else
		segments(data + 1, size - 1);
	for (unsigned capture = 0; capture < 2; capture++)
		for (unsigned i = 0; i < n_kept[capture]; i++)
			trace_flow_done(&kept[capture][i]);
	return 0;
}

bool fuzz_report(void)
{
	printf("%llu connections, %llu changes of state, %llu segments sent again\n",
	       (unsigned long long)flows_seen, (unsigned long long)changes_seen,
	       (unsigned long long)again_seen);
	return flows_seen > 0 && changes_seen > 0 && again_seen > 0;
}
