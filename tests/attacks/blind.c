/* attacks: RFC 5961 RST, RFC 5961 SYN, RFC 5961 DATA, RFC 5927: an attacker who knows every tuple and sees nothing. At
 * 1,000 established flows with windows of 64 KiB, half of them IPv6, between two hosts that go on talking he sends
 * resets, SYNs, text and ICMP errors with numbers that he guesses.
 *
 * Asked: no flow ends, no octet that the peer did not send is delivered, no path MTU is lowered. Beside it stands
 * how many guesses a stack would have believed that takes what falls into the window (RFC 793 without RFC 5961) and
 * any ICMP error that names a flow (without RFC 5927): expected, and counted where this host saw one. */
#include "support/figure.h"
#include "support/foe.h"

#include "wire/checksum.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLOWS = 1000,
	WINDOW = 65535,
	ROUND = 500 /* guesses between two words of the flows */,
	WORD = 100,
	MTU = 1500,
	PEER = 0x0a000001,
	PORT = 80,
};
enum kind { RST, SYN, DATA, ICMP, KINDS };

struct end {
	tern_socket socket;
	uint64_t    sent, received;
};

struct flow {
	struct end	  end[2]; /* 0: the client's */
	struct tern_tuple tuple;  /* as the victim (host 1) has it */
};

static tern_host    *host[2];
static struct flow   flows[FLOWS];
static tern_socket   listener;
static tern_time     now = 1000 * TERN_SECOND;
static struct chance chance = { 5961 };
static uint64_t	     guesses[KINDS], hard_errors, wrong, ended;

static struct tern_addr address(unsigned which, bool v6)
{
	const struct foe version = { .v6 = v6 };

	return foe_addr(&version, which == 1 ? FOE_HOST : 1);
}

static void make_host(unsigned which)
{
	const struct tern_link_config link = { .mtu = MTU };
	const struct tern_addr	      v4 = address(which, false), v6 = address(which, true);
	struct tern_config	      config;
	uint8_t			      number;

	tern_config_default(&config);
	memset(config.secret, (int)which + 1, sizeof config.secret);
	config.allocator = *tern_allocator_default();
	config.receive_buffer = config.receive_buffer_max = WINDOW;
	config.no_window_scale = true; /* the window is what the header says */
	config.no_timestamps = true;   /* nor do timestamps help */
	figure_must(tern_host_create(&host[which], &config, now) == 0 &&
		     tern_host_add_link(host[which], &link, &number) == 0 &&
		     tern_host_add_address(host[which], number, &v4, 8) == 0 &&
		     tern_host_add_address(host[which], number, &v6, 64) == 0,
	     "no host");
}

/* ---- the flows ---- */

static void put_in(unsigned which, const uint8_t *bytes, uint32_t n)
{
	tern_packet  in = { .part = { { bytes, n, NULL } }, .len = n, .n_parts = 1 };
	tern_packet *batch[] = { &in };

	tern_host_input(host[which], batch, 1, now);
}

static bool carry(unsigned from)
{
	static uint8_t bytes[65536];
	tern_packet   *batch[32];
	const size_t   n = tern_host_output(host[from], batch, 32, now);

	for (size_t i = 0; i < n; i++) {
		uint32_t len = 0;

		for (unsigned part = 0; part < batch[i]->n_parts; part++) {
			memcpy(bytes + len, batch[i]->part[part].at, batch[i]->part[part].n);
			len += batch[i]->part[part].n;
		}
		tern_packet_done(batch[i]);
		put_in(!from, bytes, len);
	}
	return n > 0;
}

static void exchange(void)
{
	while (carry(0) | (int)carry(1))
		;
}

static void pass(tern_time span)
{
	const tern_time end = now + span;

	for (tern_time at = now; at < end;) {
		const tern_time a = tern_host_deadline(host[0]), b = tern_host_deadline(host[1]);

		at = a < b ? a : b;
		now = at < end ? at : end;
		tern_host_advance(host[0], now);
		tern_host_advance(host[1], now);
		exchange();
	}
}

static uint8_t octet(unsigned flow, unsigned which, uint64_t at)
{
	return (uint8_t)(at * 31 + flow * 7 + which * 101 + (at >> 8));
}

/* One end says a word; the other must get just that. */
static void say(unsigned i, unsigned which)
{
	struct end *const from = &flows[i].end[which], *const to = &flows[i].end[!which];
	uint8_t word[WORD], got[2 * WORD];

	for (unsigned k = 0; k < WORD; k++)
		word[k] = octet(i, which, from->sent + k);
	if (tern_send(host[which], from->socket, word, WORD, 0) != WORD) {
		ended++;
		return;
	}
	from->sent += WORD;
	exchange();
	for (ptrdiff_t n; (n = tern_receive(host[!which], to->socket, got, sizeof got)) > 0;
	     to->received += (uint64_t)n)
		for (ptrdiff_t k = 0; k < n; k++)
			wrong += got[k] != octet(i, which, to->received + (uint64_t)k);
	wrong += to->received != from->sent;
}

static void open_flows(void)
{
	figure_must(tern_listen(host[1], &(struct tern_listen){ .local = { .port = PORT } }, &listener) == 0,
	     "no listener");
	for (unsigned i = 0; i < FLOWS; i++) {
		const struct tern_open open = { .remote = { .addr = address(1, i % 2), .port = PORT } };

		figure_must(tern_connect(host[0], &open, &flows[i].end[0].socket) == 0, "no connect");
		exchange();
		figure_must(tern_accept(host[1], listener, &flows[i].end[1].socket) == 0, "no accept");
		figure_must(tern_name(host[1], flows[i].end[1].socket, &flows[i].tuple) == 0, "no name");
		say(i, 0);
		say(i, 1);
	}
	pass(TERN_SECOND);
}

/* ---- the attacker ---- */

static size_t write_ip(uint8_t *p, const struct tern_tuple *to, uint8_t protocol, size_t n)
{
	const struct ip_header ip = { .src = to->remote,
				      .dst = to->local,
				      .version = addr_is_v4(&to->local) ? 4 : 6,
				      .protocol = protocol,
				      .ttl = 64 };

	return ip_wire_emit(p, &ip, (uint32_t)n);
}

static size_t write_guess(uint8_t *p, const struct tern_tuple *to, enum kind kind)
{
	struct tcp_segment seg = { .src_port = to->remote_port,
				   .dst_port = to->local_port,
				   .wnd = 1000,
				   .seq = seq((uint32_t)chance_next(&chance)) };

	seg.flags = kind == RST ? TCP_RST : kind == SYN ? TCP_SYN : TCP_ACK | TCP_PSH;
	if (kind == DATA) {
		seg.ack = seq((uint32_t)chance_next(&chance));
		seg.text_len = (uint32_t)chance_between(&chance, 1, 100);
	}
	const size_t header = tcp_wire_header_len(&seg), n = header + seg.text_len;
	const size_t ip = write_ip(p, to, IPPROTO_TCP_, n);
	(void)tcp_wire_emit(p + ip, &seg);
	memset(p + ip + header, 'X', seg.text_len);
	const uint32_t pseudo = checksum_pseudo(&to->remote, &to->local, IPPROTO_TCP_, (uint32_t)n);
	put16(p + ip + 16, checksum_finish(checksum_add(pseudo, p + ip, n)));
	return ip + n;
}

/* Every error there is, about a segment of the flow with a number that is guessed; a router's, so from anywhere. */
static size_t write_error(uint8_t *p, const struct tern_tuple *to)
{
	static const enum icmp_kind kinds[] = { ICMP_NET_UNREACHABLE,	   ICMP_HOST_UNREACHABLE,
						ICMP_PROTOCOL_UNREACHABLE, ICMP_PORT_UNREACHABLE,
						ICMP_ADMIN_PROHIBITED,	   ICMP_PACKET_TOO_BIG,
						ICMP_TIME_EXCEEDED,	   ICMP_PARAMETER_PROBLEM };
	const struct tern_tuple	    ours = { .remote = to->local, .local = to->remote };
	const struct tcp_segment    seg = { .src_port = to->local_port,
					    .dst_port = to->remote_port,
					    .flags = TCP_ACK,
					    .seq = seq((uint32_t)chance_next(&chance)) };
	const bool		    v4 = addr_is_v4(&to->local);
	struct icmp_message error = { .kind = kinds[chance_below(&chance, sizeof kinds / sizeof *kinds)],
				      .type = 4,
				      .mtu = v4 ? 576 : 1280 };
	uint8_t		    quote[100];
	const size_t quoted = write_ip(quote, &ours, IPPROTO_TCP_, 1400); /* a full segment, cut short */

	hard_errors += error.kind == ICMP_PROTOCOL_UNREACHABLE || error.kind == ICMP_PORT_UNREACHABLE ||
		       error.kind == ICMP_ADMIN_PROHIBITED;
	(void)tcp_wire_emit(quote + quoted, &seg);
	error.body = quote;
	error.body_len = (uint32_t)quoted + TCP_HEADER_MIN;
	const size_t ip = write_ip(p, to, v4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6, 8 + error.body_len);
	return ip + icmp_wire_emit(p + ip, &error, &to->remote, &to->local);
}

static void guess(void)
{
	const enum kind		 kind = (enum kind)chance_below(&chance, KINDS);
	const struct tern_tuple *to = &flows[chance_below(&chance, FLOWS)].tuple;
	uint8_t			 packet[400];

	guesses[kind]++;
	put_in(1, packet, (uint32_t)(kind == ICMP ? write_error(packet, to) : write_guess(packet, to, kind)));
}

/* ---- */

static void report(uint64_t n, double cpu)
{
	const double	  in_window = WINDOW / 4294967296.0;
	const uint64_t	  resets = guesses[RST], syns = guesses[SYN], text = guesses[DATA];
	struct tern_stats stats;

	tern_host_stats(host[1], &stats);
	figure(ended == 0, "%llu blind packets at %d flows with windows of %d: %llu flows ended (asked: 0)",
	       (unsigned long long)n, FLOWS, WINDOW, (unsigned long long)ended);
	figure(wrong == 0, "octets delivered that nobody sent, or missing: %llu (asked: 0)",
	       (unsigned long long)wrong);
	figure_note(
		"believed by a stack without RFC 5961: %.1f of %llu resets (%llu fell into a window here: challenged)",
		(double)resets * in_window, (unsigned long long)resets,
		(unsigned long long)stats.TernVerdict[TERN_VERDICT_BLIND_RESET]);
	figure_note(
		"  %.1f of %llu SYNs (in the window), %.1f of %llu segments with text (there, half of all ACKs)",
		(double)syns * in_window, (unsigned long long)syns, (double)text * in_window / 2,
		(unsigned long long)text);
	figure_note("  and without RFC 5927: %llu hard ICMP errors of %llu, every one that names a flow",
		    (unsigned long long)hard_errors, (unsigned long long)guesses[ICMP]);
	figure_note("expected here: %.4f resets (RCV.NXT exactly), %.4f segments with text (2^-16 of 2^-16)",
		    (double)resets / 4294967296.0, (double)text * in_window * in_window);
	figure_note("%.2f microseconds of CPU time a packet", cpu / (double)n * 1e6);
}

/* That the figures could be otherwise: a guess that is right ends its flow. */
static void prove_that_it_can_fail(void)
{
	struct tern_status	       status;
	struct tcp_segment	       seg;
	uint8_t			       packet[100];
	const struct tern_tuple *const to = &flows[0].tuple;

	figure_must(tern_status(host[1], flows[0].end[1].socket, &status) == 0, "no status");
	seg = (struct tcp_segment){ .src_port = to->remote_port,
				    .dst_port = to->local_port,
				    .flags = TCP_RST,
				    .seq = seq(status.rcv_nxt) };
	const size_t ip = write_ip(packet, to, IPPROTO_TCP_, TCP_HEADER_MIN);
	(void)tcp_wire_emit(packet + ip, &seg);
	const uint32_t pseudo = checksum_pseudo(&to->remote, &to->local, IPPROTO_TCP_, TCP_HEADER_MIN);
	put16(packet + ip + 16, checksum_finish(checksum_add(pseudo, packet + ip, TCP_HEADER_MIN)));
	put_in(1, packet, (uint32_t)ip + TCP_HEADER_MIN);
	figure(tern_send(host[1], flows[0].end[1].socket, "x", 1, 0) < 0,
	       "a reset that is no guess ends its flow, as it must");
}

int main(int argc, char **argv)
{
	const bool     is_long = figure_begin(argc, argv);
	const uint64_t n = is_long ? 10000000 : 500000;
	unsigned       narrower = 0;

	make_host(0);
	make_host(1);
	open_flows();
	const double before = figure_cpu();
	for (uint64_t i = 0; i < n; i++) {
		guess();
		if (i % ROUND == ROUND - 1) {
			const unsigned flow = (unsigned)(i / ROUND % FLOWS);

			pass(ROUND * TERN_MICROSECOND);
			say(flow, 0);
			say(flow, 1);
		}
	}
	const double cpu = figure_cpu() - before;
	pass(TERN_SECOND);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct tern_status status;

		say(i, 0);
		say(i, 1);
		ended += tern_status(host[1], flows[i].end[1].socket, &status) != 0 ||
			 status.state != TERN_STATE_ESTABLISHED;
		narrower += status.pmtu < MTU;
	}
	report(n, cpu);
	figure(narrower == 0, "flows whose path MTU was lowered: %u (asked: 0)", narrower);
	prove_that_it_can_fail();
	tern_host_check(host[0]);
	tern_host_check(host[1]);
	tern_host_destroy(host[0]);
	tern_host_destroy(host[1]);
	return figure_end();
}
