/* Runs of segments (host/segment.c, host/run.c): whatever a host makes and takes in batches is, octet by octet, what
 * it makes and takes one packet at a time. Two worlds have the same calls, losses and damage; in one everything goes
 * singly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/siphash.h"
#include "host/lookup.h"
#include "wire/tcp.h"
#include "wire/checksum.h"
#include "unit/two_hosts.h"

enum { SINGLY, IN_BATCHES, BATCH = 32, QUEUE = 4096, PACKET = 1600, CHUNK = 40000 };

struct queue {
	uint32_t n;
	uint32_t len[QUEUE];
	bool	 offload[QUEUE];
	uint8_t	 bytes[QUEUE][PACKET];
};

static struct two_hosts world[2];
static struct queue	queue[2]; /* on its way, in each world */
static tern_socket	end[2][2];
static uint8_t		text[CHUNK + 251];
static uint64_t		seed, runs, damaged, records;

static void collect(int w, int from)
{
	struct queue *const q = &queue[w];
	tern_packet *batch[BATCH];
	size_t n;

	q->n = 0;
	while ((n = tern_host_output(world[w].host[from], batch, w == SINGLY ? 1 : BATCH, world[w].now)) > 0)
		for (size_t i = 0; i < n; i++) {
			assert_true(q->n < QUEUE && batch[i]->len <= PACKET);
			q->len[q->n] = (uint32_t)two_flatten(batch[i], q->bytes[q->n]);
			q->offload[q->n++] = batch[i]->checksum_offload;
			tern_packet_done(batch[i]);
		}
	tern_host_check(world[w].host[from]);
}

/* Some are lost, and some damaged, the same in both worlds. */
static void harm(double loss, double damage)
{
	struct queue *const a = &queue[SINGLY], *const b = &queue[IN_BATCHES];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		const uint64_t dice = splitmix64(&seed), bit = splitmix64(&seed) % (a->len[i] * 8ull);

		if ((double)(dice % 1000) < loss * 1000)
			continue;
		for (int w = 0; w < 2; w++) {
			memmove(queue[w].bytes[kept], queue[w].bytes[i], queue[w].len[i]);
			queue[w].len[kept] = queue[w].len[i];
			queue[w].offload[kept] = queue[w].offload[i];
			if ((double)(dice / 1000 % 1000) < damage * 1000 && !queue[w].offload[kept])
				queue[w].bytes[kept][bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		damaged += (double)(dice / 1000 % 1000) < damage * 1000;
		kept++;
	}
	a->n = b->n = kept;
}

static void deliver(int w, int to)
{
	struct queue *const q = &queue[w];
	tern_packet packet[BATCH], *batch[BATCH];

	for (uint32_t done = 0; done < q->n;) {
		const uint32_t most = w == SINGLY ? 1 : BATCH, n = q->n - done < most ? q->n - done : most;

		for (uint32_t i = 0; i < n; i++) {
			packet[i] = (tern_packet){ .n_parts = 1, .len = q->len[done + i],
						   .checksum_offload = q->offload[done + i] };
			packet[i].part[0].at = q->bytes[done + i];
			packet[i].part[0].n = q->len[done + i];
			batch[i] = &packet[i];
		}
		tern_host_input(world[w].host[to], batch, n, world[w].now);
		tern_host_check(world[w].host[to]);
		done += n;
	}
}

static void carry(int from, double loss, double damage)
{
	for (int w = 0; w < 2; w++)
		collect(w, from);
	assert_int_equal(queue[SINGLY].n, queue[IN_BATCHES].n);
	for (uint32_t i = 0; i < queue[SINGLY].n; i++) {
		assert_int_equal(queue[SINGLY].len[i], queue[IN_BATCHES].len[i]);
		assert_memory_equal(queue[SINGLY].bytes[i], queue[IN_BATCHES].bytes[i], queue[SINGLY].len[i]);
	}
	runs += queue[SINGLY].n > 2;
	harm(loss, damage);
	for (int w = 0; w < 2; w++)
		deliver(w, !from);
}

static void advance(tern_time by)
{
	for (int w = 0; w < 2; w++) {
		world[w].now += by;
		for (int host = 0; host < 2; host++)
			tern_host_advance(world[w].host[host], world[w].now);
	}
}

/* The same call in both worlds, with the same outcome. */
static void send_some(int from)
{
	static const unsigned flags[] = { 0, 0, 0, 0, 0, 0, TERN_SEND_PUSH, TERN_SEND_MORE, TERN_SEND_URGENT };
	const uint64_t dice = splitmix64(&seed);
	const size_t n = dice % 8 == 0 ? 1 + dice / 8 % 100 : 1 + dice / 8 % CHUNK, at = dice % 251;
	ptrdiff_t sent[2];

	for (int w = 0; w < 2; w++)
		sent[w] = tern_send(world[w].host[from], end[w][from], text + at, n,
				    flags[dice / 64 % (sizeof flags / sizeof *flags)]);
	assert_int_equal(sent[0], sent[1]);
}

static void receive_some(int at)
{
	static uint8_t got[2][CHUNK];
	const size_t n = 1 + splitmix64(&seed) % CHUNK;
	ptrdiff_t had[2];

	for (int w = 0; w < 2; w++)
		had[w] = tern_receive(world[w].host[at], end[w][at], got[w], n);
	assert_int_equal(had[0], had[1]);
	if (had[0] > 0)
		assert_memory_equal(got[0], got[1], (size_t)had[0]);
}

static void same_counts(void)
{
	for (int host = 0; host < 2; host++) {
		struct tern_stats stats[2];

		for (int w = 0; w < 2; w++)
			tern_host_stats(world[w].host[host], &stats[w]);
		assert_int_equal(stats[0].InSegs, stats[1].InSegs);
		assert_int_equal(stats[0].OutSegs, stats[1].OutSegs);
		assert_int_equal(stats[0].InErrs, stats[1].InErrs);
		assert_int_equal(stats[0].InCsumErrors, stats[1].InCsumErrors);
		assert_int_equal(stats[0].RetransSegs, stats[1].RetransSegs);
		assert_int_equal(stats[0].TCPOrigDataSent, stats[1].TCPOrigDataSent);
		assert_int_equal(stats[0].InNoECTPkts, stats[1].InNoECTPkts);
		assert_memory_equal(stats[0].TernVerdict, stats[1].TernVerdict, sizeof stats[0].TernVerdict);
	}
}

/* All that there is of a connection is in its record: of who only receives, since who sends is asked for one segment at
 * a time in one of the worlds. */
static void same_records(void)
{
	static uint8_t record[2][1 << 21];
	ptrdiff_t n[2];

	for (int w = 0; w < 2; w++)
		n[w] = tern_pack(world[w].host[1], end[w][1], record[w], sizeof record[w]);
	assert_int_equal(n[0], n[1]);
	if (n[0] > 0)
		assert_memory_equal(record[0], record[1], (size_t)n[0]);
	records += n[0] > 0;
}

struct kind {
	bool	    v6, offload, both_ways, no_sack, nodelay, ecn;
	double	    loss, damage;
	const char *controller;
	int64_t	    rate;
};

static void begin(const struct kind *kind)
{
	for (int w = 0; w < 2; w++) {
		two_defaults(&world[w]);
		world[w].offload = kind->offload;
		for (int host = 0; host < 2; host++) {
			world[w].config[host].no_sack = kind->no_sack;
			world[w].config[host].congestion_control = kind->controller;
			if (kind->ecn)
				world[w].config[host].ecn = TERN_ECN_ACCURATE;
		}
		two_begin(&world[w]);
		two_open(&world[w], kind->v6, &end[w][0], &end[w][1]);
		if (kind->rate)
			assert_int_equal(tern_option_set(world[w].host[0], end[w][0], TERN_MAX_PACING_RATE,
							 kind->rate), 0);
		if (kind->nodelay)
			assert_int_equal(tern_option_set(world[w].host[0], end[w][0], TERN_NODELAY, 1), 0);
	}
}

static void play(const struct kind *kind, unsigned steps)
{
	begin(kind);
	for (unsigned step = 0; step < steps; step++) {
		const uint64_t dice = splitmix64(&seed);

		if (dice % 4 != 0)
			send_some(0);
		if (kind->both_ways && dice / 4 % 3 == 0)
			send_some(1);
		for (unsigned i = 0; i < 1 + dice / 16 % 6; i++) {
			carry(0, kind->loss, kind->damage);
			if (dice / 128 % 3 != 0)
				receive_some(1);
			carry(1, kind->loss, 0);
			if (kind->both_ways)
				receive_some(0);
		}
		if (!kind->both_ways)
			same_records();
		advance((tern_time)(dice / 512 % 40) * (dice / 32768 % 16 ? TERN_MICROSECOND : TERN_MILLISECOND * 20));
	}
	same_counts();
	for (int w = 0; w < 2; w++)
		two_end(&world[w]);
}

static void batches_are_as_single_packets(void **state)
{
	static const struct kind kinds[] = {
		{ .loss = 0 },
		{ .v6 = true, .offload = true },
		{ .loss = 0.02, .damage = 0.02 },
		{ .v6 = true, .damage = 0.05 },
		{ .both_ways = true, .loss = 0.01, .damage = 0.01 },
		{ .no_sack = true, .loss = 0.02, .nodelay = true },
		{ .ecn = true, .loss = 0.01 },
		{ .controller = "reno", .loss = 0.01, .nodelay = true },
		{ .controller = "bbr", .loss = 0.005 },
		{ .rate = 50 * 1000 * 1000 },
		{ .rate = 1000 * 1000, .loss = 0.01 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i % 251);
	seed = 7;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (unsigned round = 0; round < 3; round++)
			play(&kinds[i], 300);
	assert_true(runs > 5000 && damaged > 300 && records > 1000); /* or nothing was tried */
}

struct two_packets {
	uint8_t		   bytes[2][120];
	struct tern_packet packet[2];
	struct lookup	   first;
};

enum { FRAME = 14, TEXT = 30 };

/* The first as read, the second what goes on with it. */
static void make_two(struct two_packets *two)
{
	*two = (struct two_packets){ .first = { .len = sizeof two->bytes[0] - FRAME, .plain = true } };
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t *const tcp = two->bytes[i] + FRAME + IPV4_HEADER;
		const struct tcp_segment seg = { .src_port = 7, .dst_port = 9, .seq = { 100 + i * TEXT }, .ack = { 5 },
						 .flags = TCP_ACK, .wnd = 77,
						 .opt = { .has_ts = true, .ts_val = 3, .ts_ecr = 4 } };
		const uint32_t header = (uint32_t)tcp_wire_emit(tcp, &seg);

		memset(two->bytes[i], 0x5a, FRAME + IPV4_HEADER);
		two->packet[i] = (struct tern_packet){ .n_parts = 1, .link = 1 };
		two->packet[i].part[0].at = two->bytes[i];
		two->packet[i].part[0].n = FRAME + IPV4_HEADER + header + TEXT;
	}
	two->first.at = two->bytes[0] + FRAME;
	two->first.ip.header_len = IPV4_HEADER;
	two->first.ip.payload = two->first.at + IPV4_HEADER;
	two->first.seg = (struct tcp_segment){ .seq = { 100 }, .flags = TCP_ACK, .text_len = TEXT };
	two->first.seg.text = two->bytes[0] + two->packet[0].part[0].n - TEXT;
}

static bool is_run(const struct two_packets *two)
{
	const struct tern_packet *const next = &two->packet[1];
	const bool may = run_may_go_on(&two->first, &two->packet[0], next);
	const bool is = run_length(&two->first, &two->packet[0], &next, 1) == 1;

	assert_true(may || !is);
	return is;
}

/* Every octet of the frame's, the IP and the TCP header counts but PSH and the checksum; and what the device says. */
static void what_goes_on_with_a_run_differs_in_nothing_else(void **state)
{
	static struct two_packets two;
	const uint32_t tcp = FRAME + IPV4_HEADER;

	(void)state;
	make_two(&two);
	assert_true(is_run(&two));
	assert_ptr_equal(run_text(&two.first, &two.packet[0], &two.packet[1]),
			 two.bytes[1] + two.packet[1].part[0].n - TEXT);
	for (uint32_t bit = 0; bit < (two.packet[0].part[0].n - TEXT) * 8; bit++) {
		const bool may_differ = bit / 8 - tcp == 16 || bit / 8 - tcp == 17 ||
					(bit / 8 - tcp == 13 && 1 << bit % 8 == TCP_PSH);

		two.bytes[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(is_run(&two), may_differ);
		two.bytes[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	two.packet[1].link = 2;
	assert_false(is_run(&two));
	make_two(&two);
	two.packet[1].checksum_offload = true;
	assert_false(is_run(&two));
	make_two(&two);
	two.packet[1].zone = 1;
	assert_false(is_run(&two));
	make_two(&two);
	two.packet[1].part[0].n--;
	assert_false(is_run(&two));
	make_two(&two);
	two.packet[1].n_parts = 2;
	assert_false(is_run(&two));
	make_two(&two);
	two.first.seg.flags |= TCP_FIN;
	assert_false(is_run(&two));
}

static void assert_same_header(const struct ip_header *a, const struct ip_header *b)
{
	assert_memory_equal(&a->src, &b->src, sizeof a->src);
	assert_memory_equal(&a->dst, &b->dst, sizeof a->dst);
	assert_true(a->version == b->version && a->protocol == b->protocol && a->ttl == b->ttl);
	assert_true(a->traffic_class == b->traffic_class && a->dont_fragment == b->dont_fragment);
	assert_true(a->is_fragment == b->is_fragment && a->more_fragments == b->more_fragments);
	assert_true(a->source_routed == b->source_routed && a->fragment_offset == b->fragment_offset);
	assert_true(a->id == b->id && a->header_len == b->header_len && a->protocol_at == b->protocol_at);
	assert_true(a->payload == b->payload && a->payload_len == b->payload_len && a->zone == b->zone);
}

/* Every header that differs from the last one's in a bit, with its sum mended and not, in a packet of its length, a
 * longer and a shorter one: what is taken for like is what the whole reading finds, of the same addresses. */
static void a_header_like_the_last_reads_as_by_itself(void **state)
{
	const struct ip_header header = { .src = addr_v4(0xc0000201), .dst = addr_v4(0xc6336402), .version = 4,
					  .protocol = IPPROTO_TCP_, .ttl = 64, .dont_fragment = true, .id = 77 };
	uint8_t packet[100] = { 0 };
	struct lookup first = { .at = packet, .len = 80, .link = 1 };
	struct last_ways last = { .in_known = true, .in_link = 1 };
	unsigned like = 0, otherwise = 0;

	(void)state;
	assert_int_equal(ip_wire_emit(packet, &header, 60), IPV4_HEADER);
	assert_int_equal(ip_wire_parse(&first.ip, packet, 80), IP_PARSED);
	assert_false(run_read_ip(&last, &first)); /* nothing is kept yet */
	run_keep_ip(&last, &first);
	for (unsigned bit = 0; bit < IPV4_HEADER * 8; bit++)
		for (unsigned mended = 0; mended < 2; mended++)
			for (uint32_t len = 70; len <= 90; len += 10) {
				uint8_t bytes[100];
				struct lookup in = { .at = bytes, .len = len, .link = 1 };
				struct ip_header whole;

				memcpy(bytes, packet, sizeof bytes);
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
				if (mended) {
					put16(bytes + 10, 0);
					put16(bytes + 10, checksum_finish(checksum_header(0, bytes, IPV4_HEADER)));
				}
				if (!run_read_ip(&last, &in)) {
					otherwise++;
					continue;
				}
				like++;
				assert_int_equal(ip_wire_parse(&whole, bytes, len), IP_PARSED);
				assert_same_header(&in.ip, &whole);
				assert_true(addr_equal(&in.ip.src, &header.src) && addr_equal(&in.ip.dst, &header.dst));
			}
	/* The bits of the identification, of the length where it suffers that, and of the sum, mended. */
	assert_true(like >= 32 * 2 && otherwise >= 700);
	first.link = 2; /* other addresses may be ours there */
	assert_false(run_read_ip(&last, &first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_like_the_last_reads_as_by_itself),
		cmocka_unit_test(what_goes_on_with_a_run_differs_in_nothing_else),
		cmocka_unit_test(batches_are_as_single_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
