/* attacks: IPID side channel, CVE-2016-5696, SAD DNS / CVE-2020-25705, SYN-cookie channel: no counter that two flows
 * share. A host serves flow A: a connection, datagrams that it must cut, questions that it answers with errors of
 * ICMP, blind segments that it challenges, connections that it opens itself. The same again, each packet of A at the
 * same time, beside flow B, which does all that as well and more of it, and floods a listener.
 *
 * Asked: all that A is sent is the same byte for byte, and at the same time. Other secrets, IPv4 and IPv6. */
#include "support/figure.h"
#include "support/foe.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	A = 0x00010005,
	B = 0x00990005,
	ROUNDS = 400,
	CUT = 4000,
	NOBODY = 9,
	OTHER_PORT = 81,
	DATAGRAM_PORT = 53,
	LOG = 8192
};

static struct foe    foe;
static tern_socket   listener[2], datagrams;
static struct chance chance_a, chance_b;

/* What A was sent in each of the two runs. */
struct sent {
	tern_time	at;
	uint32_t	len;
	uint64_t	hash;
	enum foe_answer what;
	bool		is_piece;
};
static struct sent sent[2][LOG];
static unsigned	   n_sent[2];
static uint64_t	   packets, errors, pieces, challenges;

/* Of who it is for. */
static bool is_for(uint32_t peer)
{
	const struct tern_addr addr = foe_addr(&foe, peer);

	return memcmp(foe.ip.dst.b, addr.b, sizeof addr.b) == 0;
}

static void note(unsigned which, enum foe_answer what)
{
	struct sent *const it = &sent[which][n_sent[which]++];

	figure_must(n_sent[which] < LOG, "too many packets");
	*it = (struct sent){ .at = foe.now, .len = foe.len, .what = what, .is_piece = foe.ip.is_fragment };
	for (uint32_t i = 0; i < foe.len; i++)
		it->hash = (it->hash ^ foe.bytes[i]) * UINT64_C(0x100000001b3);
	packets++;
	errors += what == FOE_ICMP;
	pieces += foe.ip.is_fragment;
}

/* Takes what the host sends, and keeps what is A's. */
static void listen_to(unsigned which, struct foe_flow *a, struct foe_flow *b)
{
	for (enum foe_answer answer; (answer = foe_next(&foe)) != FOE_NOTHING;) {
		const bool	       of_a = is_for(A);
		struct foe_flow *const flow = of_a ? a : b;

		if (of_a)
			note(which, answer);
		if (answer != FOE_SEGMENT || foe.seg.src_port != FOE_PORT || foe.seg.dst_port != flow->port)
			continue;
		challenges += of_a && foe.seg.text_len == 0;
		if (foe.seg.text_len > 0)
			flow->ack = seq_add(foe.seg.seq, foe.seg.text_len);
	}
}

/* The first packet that differs; -1: none does. */
static int first_difference(void)
{
	for (unsigned i = 0; i < n_sent[0] || i < n_sent[1]; i++)
		if (i >= n_sent[0] || i >= n_sent[1] || sent[0][i].at != sent[1][i].at ||
		    sent[0][i].len != sent[1][i].len || sent[0][i].hash != sent[1][i].hash)
			return (int)i;
	return -1;
}

static uint32_t draw(struct chance *chance, uint32_t n)
{
	return (uint32_t)chance_below(chance, n);
}

static void send_datagram(uint32_t peer)
{
	static const uint8_t	   text[CUT];
	const struct tern_datagram datagram = { .remote = { .addr = foe_addr(&foe, peer), .port = 4000 },
						.data = text,
						.n = sizeof text };

	(void)tern_datagram_send(foe.host, datagrams, &datagram);
}

/* One thing that a flow does. */
static void act(struct foe_flow *flow, struct chance *chance, bool of_b)
{
	const struct tern_open open = { .remote = { .addr = foe_addr(&foe, flow->peer), .port = 7 } };
	tern_socket	       socket;

	switch (draw(chance, of_b ? 9 : 8)) {
	case 0: /* text, answered by text */
	case 1: {
		const uint32_t n = 1 + draw(chance, 1000);

		foe_say(&foe, flow, TCP_ACK | TCP_PSH, 0, 0, n);
		flow->seq = seq_add(flow->seq, n);
		(void)tern_send(foe.host, flow->socket, foe_text(0, 2000), n, 0);
		break;
	}
	case 2: /* blind segments at the own connection */
		for (unsigned i = 0; i < 8; i++)
			foe_say(&foe, flow, i % 2 ? TCP_SYN : TCP_RST, 10, 0, 0);
		break;
	case 3: /* datagrams that nobody wants */
		for (unsigned i = 0; i < 10; i++)
			foe_udp(&foe, flow->peer, 4000, NOBODY, "?", 1);
		break;
	case 4: /* datagrams of ours, in pieces */ send_datagram(flow->peer); break;
	case 5: /* we connect to it; it keeps silent */
		(void)tern_connect(foe.host, &open, &socket);
		break;
	case 6: /* a SYN to the other listener */
	{
		struct foe_flow other = foe_flow(flow->peer, (uint16_t)(20000 + draw(chance, 10000)));

		other.host_port = of_b ? FOE_PORT : OTHER_PORT; /* a backlog is its listener's */
		other.ts = other.sack = true;
		foe_say(&foe, &other, TCP_SYN, 0, 0, 0);
		break;
	}
	case 7: /* an ACK of all */ foe_say(&foe, flow, TCP_ACK, 0, 0, 0); break;
	default: /* B alone: a flood at the first listener */
		for (unsigned i = 0; i < 50; i++) {
			const struct foe_flow syn = foe_flow(B, (uint16_t)draw(chance, 65536));

			foe_say(&foe, &syn, TCP_SYN, 0, 0, 0);
		}
	}
}

static void run(uint64_t seed, bool v6, bool with_b)
{
	const struct tern_listen	other = { .local = { .port = OTHER_PORT }, .backlog = 64 };
	const struct tern_datagram_open udp = { .local = { .port = DATAGRAM_PORT } };
	static uint8_t			sink[1 << 16];

	foe_defaults(&foe);
	foe.v6 = v6;
	for (unsigned i = 0; i < sizeof foe.config.secret; i++)
		foe.config.secret[i] = (uint8_t)(seed * 7 + i * 31);
	foe.config.no_path_mtu_discovery = true; /* so that datagrams are cut, and numbered */
	foe_begin(&foe);
	n_sent[with_b] = 0;
	chance_a = (struct chance){ seed };
	chance_b = (struct chance){ ~seed };
	listener[0] = foe_listen(&foe, 64);
	figure_must(tern_listen(foe.host, &other, &listener[1]) == 0, "no listener");
	figure_must(tern_datagram_open(foe.host, &udp, &datagrams) == 0, "no datagrams");
	struct foe_flow a = foe_flow(A, 5000), b = foe_flow(B, 5000);
	foe_open(&foe, listener[0], &a);
	if (with_b)
		foe_open(&foe, listener[0], &b);
	listen_to(with_b, &a, &b);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = with_b ? draw(&chance_b, 6) : 0; i > 0; i--) {
			act(&b, &chance_b, true);
			listen_to(with_b, &a, &b);
		}
		act(&a, &chance_a, false);
		listen_to(with_b, &a, &b);
		(void)tern_receive(foe.host, a.socket, sink, sizeof sink);
		(void)tern_receive(foe.host, b.socket, sink, sizeof sink);
		listen_to(with_b, &a, &b);
		/* Time goes on; each timer at its time, so that A's are where they would be without B. */
		for (const tern_time end = foe.now + 7 * TERN_MILLISECOND; foe.now < end;) {
			const tern_time at = tern_host_deadline(foe.host);

			foe.now = at < end ? (at > foe.now ? at : foe.now + 1) : end;
			tern_host_advance(foe.host, foe.now);
			listen_to(with_b, &a, &b);
		}
	}
	foe_end(&foe);
}

int main(int argc, char **argv)
{
	const unsigned seeds = figure_begin(argc, argv) ? 2000 : 40;
	unsigned       differ = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			run(seed, v6, false);
			run(seed, v6, true);
			const int at = first_difference();
			if (at < 0)
				continue;
			if (differ++ < 5)
				figure_note("secret %u, IPv%d: packet %d differs: a %s", (unsigned)seed,
					    v6 ? 6 : 4, at,
					    sent[0][at].is_piece	      ? "fragment"
					    : sent[0][at].what == FOE_SEGMENT ? "segment"
					    : sent[0][at].what == FOE_ICMP    ? "ICMP error"
									      : "something else");
		}
	figure_note(
		"flow A, in %u runs twice each: %llu packets to it, %llu ICMP errors, %llu fragments, %llu bare ACKs",
		2 * seeds, (unsigned long long)packets, (unsigned long long)errors,
		(unsigned long long)pieces, (unsigned long long)challenges);
	figure(errors > 0 && pieces > 0 && challenges > 0, "each kind of answer is among them");
	figure(differ == 0, "runs in which what A is sent differs beside flow B: %u of %u (asked: 0)", differ,
	       2 * seeds);
	return figure_end();
}
