/* Two hosts on one Ethernet: 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ip/neighbour.h"
#include "unit/two_hosts.h"
#include "wire/arp.h"
#include "wire/nd.h"
#include "wire/tuple.h"

static const uint8_t mac_of[3][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 3 } };
static const uint8_t to_all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void begin(struct two_hosts *w, bool proxy)
{
	for (int i = 0; i < 2; i++) {
		const struct tern_addr v4 = two_addr(i, false), v6 = two_addr(i, true);
		struct tern_link_config link = { .mtu = w->mtu, .checksum_offload = w->offload, .gso = w->gso,
						 .ethernet = true, .proxy_any = proxy && i == 1 };
		uint8_t number;

		memcpy(link.mac, mac_of[i], 6);
		assert_int_equal(tern_host_create(&w->host[i], &w->config[i], w->now), 0);
		assert_int_equal(tern_host_add_link(w->host[i], &link, &number), 0);
		assert_int_equal(tern_host_add_address(w->host[i], number, &v4, 24), 0);
		assert_int_equal(tern_host_add_address(w->host[i], number, &v6, 64), 0);
		assert_int_equal(tern_host_add_link_local(w->host[i], number), 0);
	}
}

static struct tern_stats stats_of(struct two_hosts *w, int host)
{
	struct tern_stats stats;

	tern_host_stats(w->host[host], &stats);
	return stats;
}

/* One frame that the host has to say; 0: none. */
static size_t take(struct two_hosts *w, int host, uint8_t *frame)
{
	tern_packet *batch[1];
	size_t	     n;

	if (tern_host_output(w->host[host], batch, 1, w->now) == 0)
		return 0;
	n = two_flatten(batch[0], frame);
	tern_packet_done(batch[0]);
	return n;
}

static void arp(struct two_hosts *w, int to, const uint8_t *dst, enum arp_operation operation, uint32_t sender,
		const uint8_t *sender_mac, uint32_t target)
{
	struct arp_packet	arp = { .operation = operation, .sender = addr_v4(sender), .target = addr_v4(target) };
	struct ethernet_header frame = { .type = ETHERNET_TYPE_ARP };
	uint8_t			p[60] = { 0 };

	memcpy(frame.dst, dst, 6);
	memcpy(frame.src, sender_mac, 6);
	memcpy(arp.sender_mac, sender_mac, 6);
	ethernet_emit(p, &frame);
	arp_emit(p + ETHERNET_HEADER, &arp);
	two_inject(w, to, p, sizeof p, false);
}

static void talk(bool v6, bool gso, uint32_t bytes)
{
	static uint8_t	 text[300000], got[300000];
	struct two_hosts w;
	tern_socket	 client, server;
	size_t		 sent = 0, n = 0;

	two_defaults(&w);
	w.gso = w.offload = gso;
	begin(&w, false);
	for (size_t i = 0; i < bytes; i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
	two_open(&w, v6, &client, &server);
	while (n < bytes) {
		long moved = sent < bytes ? tern_send(w.host[0], client, text + sent, bytes - sent, 0) : 0;
		if (moved > 0)
			sent += (size_t)moved;
		two_exchange(&w);
		moved = tern_receive(w.host[1], server, got + n, sizeof got - n);
		if (moved > 0)
			n += (size_t)moved;
		else
			two_wait(&w, 50 * TERN_MILLISECOND);
		assert_true(w.now < 1100 * TERN_SECOND);
	}
	assert_memory_equal(text, got, bytes);
	assert_int_equal(stats_of(&w, 0).RetransSegs, 0);
	assert_int_equal(stats_of(&w, 0).TernNeighbourDrops, 0);
	assert_int_equal(stats_of(&w, 0).TernArpOut, v6 ? 0 : 1);
	assert_int_equal(stats_of(&w, 0).Icmp6OutNeighborSolicits, v6 ? 1 : 0);
	/* Who was asked knows who asked. */
	assert_int_equal(stats_of(&w, 1).Icmp6OutNeighborSolicits, 0);
	assert_int_equal(stats_of(&w, 1).TernArpOut, v6 ? 0 : 1);
	tern_abort(w.host[0], client);
	tern_abort(w.host[1], server);
	two_wait(&w, 20 * TERN_SECOND);
	two_end(&w);
}

static void tcp_over_ethernet(void **state)
{
	(void)state;
	talk(false, false, 200000);
	talk(true, false, 200000);
	talk(false, true, 300000);
	talk(true, true, 300000);
}

static void nobody_there(void **state)
{
	struct two_hosts   w;
	struct tern_open   open = { .remote = { .port = 80 } };
	tern_socket	   socket;
	uint8_t		   frame[2048];
	unsigned	   asked = 0;

	(void)state;
	two_defaults(&w);
	begin(&w, false);
	assert_int_equal(tern_addr_parse(&open.remote.addr, "10.0.0.77"), 0);
	assert_int_equal(tern_connect(w.host[0], &open, &socket), 0);
	for (tern_time end = w.now + 10 * TERN_SECOND; w.now < end; w.now += 100 * TERN_MILLISECOND) {
		tern_host_advance(w.host[0], w.now);
		while (take(&w, 0, frame) > 0) {
			assert_memory_equal(frame, to_all, 6);
			assert_int_equal(get16(frame + 12), ETHERNET_TYPE_ARP);
			asked++;
		}
		tern_host_check(w.host[0]);
	}
	assert_in_range(asked, 3, 10); /* RFC 1122 2.3.2.1: at most one a second */
	assert_true(stats_of(&w, 0).TernNeighbourDrops > 0);
	two_end(&w); /* packets may still wait */
}

static struct tern_event event_of(struct two_hosts *w, tern_socket socket)
{
	struct tern_event event;

	while (tern_host_event(w->host[0], &event))
		if (event.socket.index == socket.index && event.socket.generation == socket.generation)
			return event;
	return (struct tern_event){ .ready = 0 };
}

/* What waited for an answer of ARP or neighbour discovery in vain is told, three seconds after it was sent. */
static void nobody_there_is_told(void **state)
{
	static const char *const nobody[] = { "10.0.0.77", "fd00::77" };
	static const char *const nobody_else[] = { "10.0.0.78", "fd00::78" };

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct tern_open	   open = { .remote = { .port = 80 } };
		struct tern_datagram_open  udp = { .local = { .port = 0 } };
		struct tern_datagram_open  echo = { .kind = TERN_DATAGRAM_ECHO };
		struct tern_datagram	   out = { .data = "question", .n = 8 }, in;
		tern_socket		   tcp, datagrams, connected, pings;
		struct two_hosts	   w;
		uint8_t			   frame[2048];

		two_defaults(&w);
		begin(&w, false);
		assert_int_equal(tern_addr_parse(&open.remote.addr, nobody[v6]), 0);
		out.remote.port = 53;
		assert_int_equal(tern_addr_parse(&out.remote.addr, nobody_else[v6]), 0);
		assert_int_equal(tern_datagram_open(w.host[0], &udp, &datagrams), 0);
		udp.remote = out.remote;
		assert_int_equal(tern_datagram_open(w.host[0], &udp, &connected), 0);
		assert_int_equal(tern_datagram_open(w.host[0], &echo, &pings), 0);
		assert_int_equal(tern_datagram_send(w.host[0], datagrams, &out), 0);
		assert_int_equal(tern_datagram_send(w.host[0], connected, &out), 0);
		for (unsigned i = 0; i + 1 < NEIGHBOUR_WAITING; i++) /* the last pushes out the oldest that waits */
			assert_int_equal(tern_datagram_send(w.host[0], pings, &out), 0);
		assert_int_equal(tern_connect(w.host[0], &open, &tcp), 0);
		for (tern_time end = w.now + 4 * TERN_SECOND; w.now < end; w.now += 100 * TERN_MILLISECOND) {
			while (take(&w, 0, frame) > 0)
				;
			tern_host_advance(w.host[0], w.now);
			tern_host_check(w.host[0]);
		}
		assert_int_equal(tern_datagram_receive(w.host[0], datagrams, &in), -TERN_EAGAIN);
		assert_int_equal(tern_datagram_receive(w.host[0], connected, &in), -TERN_EHOSTUNREACH);
		assert_true(addr_equal(&in.remote.addr, &out.remote.addr));
		assert_int_equal(tern_datagram_receive(w.host[0], connected, &in), -TERN_EAGAIN);
		assert_int_equal(tern_datagram_receive(w.host[0], pings, &in), -TERN_EHOSTUNREACH);
		assert_true(event_of(&w, tcp).ready & TERN_ERROR);
		assert_int_equal(two_state(&w, 0, tcp), TERN_STATE_CLOSED);
		struct tern_status status;
		assert_int_equal(tern_status(w.host[0], tcp, &status), 0);
		assert_int_equal(status.error, -TERN_EHOSTUNREACH);
		two_end(&w);
	}
}

static bool gone;

/* The neighbour is switched off, or says nothing to questions alone. */
static bool neighbour_is_gone(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	(void)w, (void)from, (void)packet, (void)len;
	return gone;
}

/* RFC 1122 4.2.3.9, RFC 5927: a connection that is up outlives its neighbour's silence; the program may know. */
static void a_silent_neighbour_ends_no_connection(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	struct tern_status status;

	(void)state;
	two_defaults(&w);
	begin(&w, false);
	w.lose = neighbour_is_gone;
	gone = false;
	two_open(&w, false, &client, &server);
	two_wait(&w, 60 * TERN_SECOND); /* the entry is stale */
	gone = true;
	assert_int_equal(tern_send(w.host[0], client, "x", 1, 0), 1);
	two_wait(&w, 30 * TERN_SECOND);
	assert_int_equal(two_state(&w, 0, client), TERN_STATE_ESTABLISHED);
	assert_true(stats_of(&w, 0).TernNeighbourDrops > 0);
	assert_int_equal(tern_status(w.host[0], client, &status), 0);
	assert_int_equal(status.soft_error, -TERN_EHOSTUNREACH);
	gone = false;
	two_wait(&w, 200 * TERN_SECOND);
	char octet;
	assert_int_equal(tern_receive(w.host[1], server, &octet, 1), 1);
	tern_abort(w.host[0], client);
	tern_abort(w.host[1], server);
	two_wait(&w, 20 * TERN_SECOND);
	two_end(&w);
}

/* RFC 4861 7.3.1: while acknowledgments of new text come, the neighbour need not be asked. */
static void progress_confirms_a_neighbour(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct two_hosts w;
		tern_socket	 client, server;
		char		 octet;

		two_defaults(&w);
		begin(&w, false);
		two_open(&w, v6, &client, &server);
		for (unsigned second = 0; second < 600; second++) {
			const bool one_way = second >= 300;

			assert_int_equal(tern_send(w.host[0], client, "x", 1, 0), 1);
			two_wait(&w, TERN_SECOND);
			assert_int_equal(tern_receive(w.host[1], server, &octet, 1), 1);
			if (!one_way) {
				assert_int_equal(tern_send(w.host[1], server, "y", 1, 0), 1);
				two_wait(&w, TERN_SECOND);
				assert_int_equal(tern_receive(w.host[0], client, &octet, 1), 1);
				/* Each was asked once, at the very beginning. */
				assert_int_equal(stats_of(&w, 0).TernArpOut, v6 ? 0 : 1);
				assert_int_equal(stats_of(&w, 0).Icmp6OutNeighborSolicits, v6 ? 1 : 0);
				assert_int_equal(stats_of(&w, 1).Icmp6OutNeighborSolicits, 0);
			}
		}
		/* Who sends no text has nothing acknowledged: it asks, and the other still does not. */
		assert_true(stats_of(&w, 1).TernArpOut + stats_of(&w, 1).Icmp6OutNeighborSolicits > 1);
		assert_int_equal(stats_of(&w, 0).Icmp6OutNeighborSolicits, v6 ? 1 : 0);
		tern_abort(w.host[0], client);
		tern_abort(w.host[1], server);
		two_wait(&w, 20 * TERN_SECOND);
		two_end(&w);
	}
}

static void who_is_answered(void **state)
{
	struct two_hosts w;
	uint8_t		 frame[2048];

	(void)state;
	two_defaults(&w);
	begin(&w, false);
	arp(&w, 0, to_all, ARP_REQUEST, 0x0a000003, mac_of[2], 0x0a000001);
	assert_int_equal(take(&w, 0, frame), ETHERNET_HEADER + ARP_PACKET);
	assert_memory_equal(frame, mac_of[2], 6);
	assert_memory_equal(frame + 6, mac_of[0], 6);
	arp(&w, 0, to_all, ARP_REQUEST, 0x0a000003, mac_of[2], 0x0a000009); /* not ours */
	arp(&w, 0, mac_of[1], ARP_REQUEST, 0x0a000003, mac_of[2], 0x0a000001); /* not to us */
	arp(&w, 0, to_all, ARP_REQUEST, 0x0a000001, mac_of[2], 0x0a000001); /* it claims our address */
	arp(&w, 0, to_all, ARP_REQUEST, 0x0a000003, mac_of[0], 0x0a000001); /* our own frame, back */
	arp(&w, 0, to_all, ARP_REPLY, 0x0a000002, mac_of[2], 0x0a000002); /* gratuitous */
	arp(&w, 0, mac_of[0], ARP_REPLY, 0x0a000002, mac_of[2], 0x0a000001); /* unasked */
	assert_int_equal(take(&w, 0, frame), 0);
	assert_int_equal(stats_of(&w, 0).TernNeighbourConflicts, 1);
	assert_int_equal(stats_of(&w, 0).TernNeighbourUnasked, 2);
	assert_int_equal(stats_of(&w, 0).TernFrameOthers, 2);
	arp(&w, 0, to_all, ARP_REQUEST, 0, mac_of[2], 0x0a000001); /* RFC 5227: does anybody have it? */
	assert_int_equal(take(&w, 0, frame), ETHERNET_HEADER + ARP_PACKET);
	two_end(&w);
}

static void proxy_answers_for_all_but_the_asker(void **state)
{
	struct two_hosts w;
	uint8_t		 frame[2048];

	(void)state;
	two_defaults(&w);
	begin(&w, true);
	arp(&w, 1, to_all, ARP_REQUEST, 0x0a000001, mac_of[0], 0x0a000063);
	assert_int_equal(take(&w, 1, frame), ETHERNET_HEADER + ARP_PACKET);
	assert_memory_equal(frame + ETHERNET_HEADER + 8, mac_of[1], 6);
	arp(&w, 1, to_all, ARP_REQUEST, 0x0a000001, mac_of[0], 0x0a000001); /* its own */
	arp(&w, 1, to_all, ARP_REQUEST, 0, mac_of[0], 0x0a000001);	    /* is it free? */
	arp(&w, 1, to_all, ARP_REQUEST, 0x0a000001, mac_of[0], 0x0a0000ff); /* the broadcast address */
	assert_int_equal(take(&w, 1, frame), 0);
	two_end(&w);
}

/* CVE-2020-11913: no frame is read beyond its end. CVE-2019-12262: no answer of ARP that nobody asked for. */
static void runts_and_other_noise(void **state)
{
	struct two_hosts w;
	uint8_t		 frame[2048];

	(void)state;
	two_defaults(&w);
	begin(&w, true);
	for (unsigned type = 0; type < 4; type++) {
		static const uint16_t types[] = { ETHERNET_TYPE_ARP, ETHERNET_TYPE_IPV4, ETHERNET_TYPE_IPV6, 0x8100 };

		for (size_t len = 0; len < 80; len++) {
			for (unsigned first = 0; first < 256; first += 5) {
				uint8_t *const exact = test_malloc(len + (len == 0));

				memset(frame, (int)first, sizeof frame);
				memcpy(frame, len & 1 ? mac_of[1] : to_all, 6);
				memcpy(frame + 6, mac_of[0], 6);
				put16(frame + 12, types[type]);
				memcpy(exact, frame, len);
				two_inject(&w, 1, exact, len, false);
				test_free(exact);
			}
		}
	}
	tern_host_check(w.host[1]);
	assert_true(stats_of(&w, 1).TernFrameErrors > 0);

	const uint64_t errors = stats_of(&w, 1).TernFrameErrors, headers = stats_of(&w, 1).InHdrErrors;
	memset(frame, 0, sizeof frame); /* an IPv6 packet in a frame that says IPv4 */
	memcpy(frame, mac_of[1], 6);
	memcpy(frame + 6, mac_of[0], 6);
	put16(frame + 12, ETHERNET_TYPE_IPV4);
	frame[14] = 0x60;
	two_inject(&w, 1, frame, 60, false);
	assert_int_equal(stats_of(&w, 1).TernFrameErrors, errors + 1);
	assert_int_equal(stats_of(&w, 1).InHdrErrors, headers);
	while (take(&w, 1, frame) > 0)
		;
	two_end(&w);
}

/* A segment in a frame for all is no segment for us (RFC 1122 3.3.6). */
static bool to_everybody(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	uint8_t changed[2048];

	if (get16(packet + 12) != ETHERNET_TYPE_IPV4)
		return false;
	memcpy(changed, packet, len);
	memcpy(changed, to_all, 6);
	two_inject(w, !from, changed, len, false);
	return true;
}

static void unicast_in_a_broadcast_frame(void **state)
{
	struct two_hosts w;
	tern_socket	 client;

	(void)state;
	two_defaults(&w);
	begin(&w, false);
	w.lose = to_everybody;
	(void)two_listen(&w, 1, 80);
	client = two_connect(&w, 0, 80, false);
	two_wait(&w, TERN_SECOND);
	assert_int_equal(two_state(&w, 0, client), TERN_STATE_SYN_SENT);
	assert_true(stats_of(&w, 1).InAddrErrors > 0);
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ethernet),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(nobody_there_is_told),
		cmocka_unit_test(a_silent_neighbour_ends_no_connection),
		cmocka_unit_test(progress_confirms_a_neighbour),
		cmocka_unit_test(who_is_answered),
		cmocka_unit_test(proxy_answers_for_all_but_the_asker),
		cmocka_unit_test(runts_and_other_noise),
		cmocka_unit_test(unicast_in_a_broadcast_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
