/* Broadcast and multicast: two hosts on one Ethernet, 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2, and what a third
 * machine may send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/two_hosts.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip.h"
#include "wire/nd.h"
#include "wire/nd_router.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include "wire/udp.h"
#include <tern/datagram.h>

static const uint8_t mac_of[3][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 3 } };
static const uint8_t to_all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct tern_addr addr(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static void begin(struct two_hosts *w)
{
	two_defaults(w);
	for (int i = 0; i < 2; i++) {
		const struct tern_addr	v4 = two_addr(i, false), v6 = two_addr(i, true);
		struct tern_link_config link = { .mtu = 1500, .ethernet = true };
		uint8_t			number;

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

static tern_socket open_socket(struct two_hosts *w, int host, struct tern_datagram_open open)
{
	tern_socket socket;

	assert_int_equal(tern_datagram_open(w->host[host], &open, &socket), 0);
	return socket;
}

static int send_to(struct two_hosts *w, tern_socket socket, const char *to, uint16_t port, size_t n)
{
	static const uint8_t	   text[4000] = "all";
	const struct tern_datagram out = { .remote = { .addr = addr(to), .port = port }, .data = text, .n = n };

	return tern_datagram_send(w->host[0], socket, &out);
}

/* How many datagrams wait; the last one in *in. */
static unsigned drain(struct two_hosts *w, tern_socket socket, struct tern_datagram *in)
{
	struct tern_datagram got;
	unsigned	     n = 0;

	for (; tern_datagram_receive(w->host[1], socket, &got) == 0; n++)
		*in = got;
	return n;
}

/* One frame that the host has to say; 0: none. */
static size_t take(struct two_hosts *w, int host, uint8_t *frame)
{
	tern_packet *batch[1];

	if (tern_host_output(w->host[host], batch, 1, w->now) == 0)
		return 0;
	const size_t n = two_flatten(batch[0], frame);
	tern_packet_done(batch[0]);
	return n;
}

/* A frame of the third machine's with an IP packet in it. */
static void inject(struct two_hosts *w, const uint8_t *dst_mac, const struct ip_header *ip, const uint8_t *payload,
		   uint32_t n)
{
	struct ethernet_header frame = { .type = ip->version == 4 ? ETHERNET_TYPE_IPV4 : ETHERNET_TYPE_IPV6 };
	uint8_t		       p[2048];

	memcpy(frame.dst, dst_mac, 6);
	memcpy(frame.src, mac_of[2], 6);
	ethernet_emit(p, &frame);
	const size_t head = ETHERNET_HEADER + ip_wire_emit(p + ETHERNET_HEADER, ip, n);
	memcpy(p + head, payload, n);
	two_inject(w, 1, p, head + n, false);
}

static struct ip_header header(const char *src, const char *dst, uint8_t protocol)
{
	struct ip_header ip = { .src = addr(src), .dst = addr(dst), .protocol = protocol, .ttl = 64 };

	ip.version = addr_is_v4(&ip.src) ? 4 : 6;
	return ip;
}

static void inject_udp(struct two_hosts *w, const uint8_t *dst_mac, const char *src, const char *dst, uint16_t port)
{
	const struct ip_header ip = header(src, dst, IPPROTO_UDP_);
	uint8_t		       p[UDP_HEADER + 3];

	memcpy(p + UDP_HEADER, "abc", 3);
	udp_wire_emit(p, &ip.src, &ip.dst, 68, port, p + UDP_HEADER, 3);
	inject(w, dst_mac, &ip, p, sizeof p);
}

static void broadcasts_reach_those_who_asked(void **state)
{
	static const char *const broadcasts[] = { "255.255.255.255", "10.0.0.255" };
	struct two_hosts	 w;
	struct tern_datagram	 in;
	uint8_t			 frame[2048];

	(void)state;
	begin(&w);
	const tern_socket sender = open_socket(&w, 0, (struct tern_datagram_open){ .broadcast = true });
	const tern_socket mute = open_socket(&w, 0, (struct tern_datagram_open){ .local = { .port = 5 } });
	const tern_socket hears = open_socket(
		&w, 1, (struct tern_datagram_open){ .local = { .port = 7 }, .broadcast = true });
	const tern_socket other = open_socket(&w, 1, (struct tern_datagram_open){ .local = { .addr = two_addr(1, false),
											     .port = 7 } });
	const tern_socket third = open_socket(
		&w, 1, (struct tern_datagram_open){ .local = { .port = 8 }, .broadcast = true });

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(send_to(&w, mute, broadcasts[i], 7, 3), -TERN_EACCES);
		assert_int_equal(send_to(&w, sender, broadcasts[i], 7, 3000), 0); /* in fragments too */
		for (size_t n; (n = take(&w, 0, frame)) > 0;) {
			assert_memory_equal(frame, to_all, 6);
			two_inject(&w, 1, frame, n, false);
		}
		assert_int_equal(drain(&w, hears, &in), 1);
		assert_int_equal(in.n, 3000);
		assert_int_equal(in.ttl, 1);
		assert_int_equal(in.link, 0);
		const struct tern_addr src = two_addr(0, false), dst = addr(broadcasts[i]);
		assert_true(addr_equal(&in.remote.addr, &src) && addr_equal(&in.local.addr, &dst));
		assert_int_equal(drain(&w, other, &in), 0);
		assert_int_equal(drain(&w, third, &in), 0);
	}
	assert_int_equal(send_to(&w, sender, "10.0.0.255", 99, 3), 0); /* nobody: no word of it comes back */
	two_exchange(&w);
	assert_int_equal(stats_of(&w, 1).IcmpOutMsgs, 0);
	assert_int_equal(stats_of(&w, 1).TernArpOut, 0);
	two_end(&w);
}

static void groups_reach_those_who_joined(void **state)
{
	static const struct {
		const char *group;
		uint8_t	    mac[6];
	} rows[] = {
		{ "224.129.2.251", { 0x01, 0x00, 0x5e, 0x01, 0x02, 0xfb } },
		{ "ff02::1:2", { 0x33, 0x33, 0, 1, 0, 2 } },
	};
	struct two_hosts     w;
	struct tern_datagram in;
	uint8_t		     frame[2048];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct tern_addr group = addr(rows[i].group), one = two_addr(1, false);

		begin(&w);
		const tern_socket sender = open_socket(&w, 0, (struct tern_datagram_open){ .broadcast = false });
		const tern_socket joined = open_socket(&w, 1, (struct tern_datagram_open){ .local = { .port = 547 } });
		const tern_socket not = open_socket(
			&w, 1, (struct tern_datagram_open){ .local = { .port = 546 }, .broadcast = true });
		const tern_socket beside = open_socket(
			&w, 1, (struct tern_datagram_open){ .local = { .addr = addr_v4(0), .port = 547 } });

		for (unsigned step = 0; step < 3; step++) {
			assert_int_equal(send_to(&w, sender, rows[i].group, 547, 3), 0);
			assert_int_not_equal(take(&w, 0, frame), 0);
			assert_memory_equal(frame, rows[i].mac, 6);
			two_inject(&w, 1, frame, ETHERNET_HEADER + (i ? 40 : 20) + 11, false);
			assert_int_equal(drain(&w, joined, &in), step == 1);
			assert_int_equal(drain(&w, not, &in), 0);
			assert_int_equal(drain(&w, beside, &in), 0); /* its port, but it has not joined */
			if (step == 0) {
				assert_int_equal(tern_datagram_join(w.host[1], joined, 1, &group), -TERN_EINVAL);
				assert_int_equal(tern_datagram_join(w.host[1], joined, 0, &one), -TERN_EINVAL);
				assert_int_equal(tern_datagram_leave(w.host[1], joined, 0, &group), -TERN_EINVAL);
				assert_int_equal(tern_datagram_join(w.host[1], joined, 0, &group), 0);
				assert_int_equal(tern_datagram_join(w.host[1], joined, 0, &group), 0);
			} else if (step == 1) {
				assert_int_equal(tern_datagram_leave(w.host[1], joined, 0, &group), 0);
			}
		}
		/* The source of what stays on the link is of the link (RFC 6724 rule 2). */
		assert_true(i == 0 || addr_is_link_local(&in.remote.addr) || in.n == 0);
		assert_int_equal(stats_of(&w, 1).IcmpOutMsgs, 0);
		two_end(&w);
	}
}

static void groups_are_bounded_and_left_on_close(void **state)
{
	struct tern_addr group = addr("ff02::100");
	struct two_hosts w;

	(void)state;
	begin(&w);
	for (unsigned round = 0; round < 2; round++) {
		const tern_socket socket = open_socket(&w, 1, (struct tern_datagram_open){ .local = { .port = 9 } });

		for (uint8_t i = 0; i < 16; i++) {
			group.b[15] = i;
			assert_int_equal(tern_datagram_join(w.host[1], socket, 0, &group), 0);
		}
		group.b[15] = 16;
		assert_int_equal(tern_datagram_join(w.host[1], socket, 0, &group), -TERN_ENOMEM);
		assert_int_equal(tern_datagram_close(w.host[1], socket), 0);
	}
	two_end(&w);
}

/* RFC 1122 3.2.1.3 (a): 0.0.0.0 is nobody's address but that of a host that has none yet. */
static void no_source_is_for_those_who_ask(void **state)
{
	struct two_hosts     w;
	struct tern_datagram in;

	(void)state;
	begin(&w);
	const tern_socket plain = open_socket(
		&w, 1, (struct tern_datagram_open){ .local = { .port = 66 }, .broadcast = true });
	const tern_socket server = open_socket(&w, 1, (struct tern_datagram_open){ .local = { .port = 67 },
										   .broadcast = true,
										   .unaddressed = true });
	static const struct {
		const char *src, *dst;
		uint16_t    port;
		bool	    unicast_frame, taken;
	} rows[] = {
		{ "0.0.0.0", "255.255.255.255", 67, false, true },
		{ "0.0.0.0", "255.255.255.255", 67, true, true },
		{ "10.0.0.3", "255.255.255.255", 67, false, true },
		{ "10.0.0.3", "10.0.0.2", 67, true, true },
		{ "0.0.0.0", "255.255.255.255", 66, false, false },
		{ "0.0.0.0", "10.0.0.255", 67, false, false },
		{ "0.0.0.0", "10.0.0.2", 67, true, false },
		{ "0.0.0.5", "255.255.255.255", 67, false, false },
		{ "10.0.0.255", "255.255.255.255", 67, false, false },
		{ "10.0.0.2", "255.255.255.255", 67, false, false }, /* our own */
		{ "127.0.0.1", "255.255.255.255", 67, false, false },
		{ "10.0.0.3", "10.0.0.2", 67, false, false }, /* RFC 1122 3.3.6: to one, in a frame to all */
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		inject_udp(&w, rows[i].unicast_frame ? mac_of[1] : to_all, rows[i].src, rows[i].dst, rows[i].port);
		if (drain(&w, server, &in) != (rows[i].taken ? 1 : 0))
			fail_msg("row %u", i);
		assert_int_equal(drain(&w, plain, &in), 0);
	}
	assert_int_equal(stats_of(&w, 1).InAddrErrors, 8);
	assert_int_equal(stats_of(&w, 1).IcmpOutMsgs, 0);
	two_end(&w);
}

/* RFC 1122 3.2.2, 4.2.3.10; attacks: ICMP smurf, broadcast SYN (MUST-57). */
static void nothing_answers_what_is_for_several(void **state)
{
	static const struct {
		const char *dst;
		uint8_t	    mac[6];
	} rows[] = {
		{ "255.255.255.255", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
		{ "10.0.0.255", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
		{ "10.0.0.255", { 2, 0, 0, 0, 0, 2 } },
		{ "224.0.0.251", { 1, 0, 0x5e, 0, 0, 0xfb } },
		{ "ff02::fb", { 0x33, 0x33, 0, 0, 0, 0xfb } },
		{ "ff02::1", { 0x33, 0x33, 0, 0, 0, 1 } },
	};
	struct two_hosts w;
	uint8_t		 frame[2048];

	(void)state;
	begin(&w);
	const tern_socket socket = open_socket(
		&w, 1, (struct tern_datagram_open){ .local = { .port = 7 }, .broadcast = true });
	const struct tern_listen listen = { .local = { .port = 80 } };
	const struct tern_addr	 groups[] = { addr("224.0.0.251"), addr("ff02::fb"), addr("ff02::1") };
	tern_socket		 listener;

	assert_int_equal(tern_listen(w.host[1], &listen, &listener), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(tern_datagram_join(w.host[1], socket, 0, &groups[i]), 0);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		const bool	   v4 = rows[i].dst[0] != 'f';
		const char *const  src = v4 ? "10.0.0.3" : "fd00::3";
		struct ip_header   ip = header(src, rows[i].dst, IPPROTO_TCP_);
		struct tcp_segment syn = { .src_port = 9, .dst_port = 80, .seq = { 1 }, .flags = TCP_SYN };
		uint8_t		   p[64] = { 0 };
		uint32_t	   sum;

		const uint32_t n = (uint32_t)tcp_wire_emit(p, &syn);
		sum = checksum_add(checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, n), p, n);
		put16(p + 16, checksum_finish(sum));
		inject(&w, rows[i].mac, &ip, p, n);
		syn.dst_port = 81; /* nobody listens there: elsewhere this is answered with a reset */
		put16(p + 2, 81);
		put16(p + 16, 0);
		sum = checksum_add(checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, n), p, n);
		put16(p + 16, checksum_finish(sum));
		inject(&w, rows[i].mac, &ip, p, n);
		ip.protocol = 200; /* unknown */
		inject(&w, rows[i].mac, &ip, p, n);
		inject_udp(&w, rows[i].mac, src, rows[i].dst, 999);
		memset(p, 0, sizeof p);
		p[0] = v4 ? 8 : 128;
		ip.protocol = v4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6;
		sum = v4 ? 0 : checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, 8);
		put16(p + 2, checksum_finish(checksum_add(sum, p, 8)));
		inject(&w, rows[i].mac, &ip, p, 8);
	}
	assert_int_equal(take(&w, 1, frame), 0);
	assert_int_equal(stats_of(&w, 1).PassiveOpens + stats_of(&w, 1).TernHalfOpen, 0);
	two_end(&w);
}

/* ---- the router's side of neighbour discovery ---- */

static void inject_solicitation(struct two_hosts *w, const char *src, uint8_t hop_limit, bool with_mac)
{
	static const uint8_t all_routers[6] = { 0x33, 0x33, 0, 0, 0, 2 };
	struct ip_header     ip = header(src, "ff02::2", IPPROTO_ICMP6);
	uint8_t		     p[16] = { ND_ROUTER_SOLICITATION, [8] = 1, [9] = 1 };
	const uint32_t	     n = with_mac ? 16 : 8;

	ip.ttl = hop_limit;
	memcpy(p + 10, mac_of[2], 6);
	const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, n);
	put16(p + 2, checksum_finish(checksum_add(sum, p, n)));
	inject(w, all_routers, &ip, p, n);
}

static void a_router_hears_solicitations_and_advertises(void **state)
{
	const struct tern_addr	       routers = addr("ff02::2");
	struct two_hosts	       w;
	struct tern_datagram	       in;
	uint8_t			       p[256], frame[2048];
	struct nd_router_advertisement ra = { .lifetime = 1800 };

	(void)state;
	begin(&w);
	const tern_socket router = open_socket(&w, 1, (struct tern_datagram_open){ .kind = TERN_DATAGRAM_ROUTER });
	inject_solicitation(&w, "fe80::3", 255, true);
	assert_int_equal(drain(&w, router, &in), 0); /* has not joined */
	assert_int_equal(tern_datagram_join(w.host[1], router, 0, &routers), 0);
	inject_solicitation(&w, "fe80::3", 255, true);
	assert_int_equal(drain(&w, router, &in), 1);
	assert_int_equal(in.n, 16);
	inject_solicitation(&w, "::", 255, false);
	assert_int_equal(drain(&w, router, &in), 1);
	inject_solicitation(&w, "::", 255, true);      /* RFC 4861 6.1.1 */
	inject_solicitation(&w, "fe80::3", 254, true); /* from beyond the link */
	assert_int_equal(drain(&w, router, &in), 0);
	assert_int_equal(stats_of(&w, 1).IcmpInErrors, 2);
	assert_int_equal(stats_of(&w, 1).Icmp6InRouterSolicits, 2);

	memcpy(ra.mac, mac_of[1], 6);
	const size_t	     n = nd_router_emit(p, sizeof p, &ra);
	struct tern_datagram out = { .remote = { .addr = nd_all_nodes() }, .data = p, .n = n };
	assert_int_equal(tern_datagram_send(w.host[1], router, &out), 0);
	assert_int_equal(take(&w, 1, frame), ETHERNET_HEADER + IPV6_HEADER + n);
	struct ip_header ip;
	assert_int_equal(ip_wire_parse(&ip, frame + ETHERNET_HEADER, IPV6_HEADER + n), IP_PARSED);
	assert_true(addr_is_link_local(&ip.src));
	assert_int_equal(ip.ttl, 255);
	const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, ip.payload_len);
	assert_true(checksum_is_right(checksum_add(sum, ip.payload, ip.payload_len)));
	/* To one who asked: its hardware address is known by its asking. */
	out.remote.addr = addr("fe80::3");
	assert_int_equal(tern_datagram_send(w.host[1], router, &out), 0);
	assert_int_equal(take(&w, 1, frame), ETHERNET_HEADER + IPV6_HEADER + n);
	assert_memory_equal(frame, mac_of[2], 6);
	p[0] = 135; /* nothing but advertisements */
	assert_int_equal(tern_datagram_send(w.host[1], router, &out), -TERN_EINVAL);
	two_end(&w);
}

/* attacks: RA flood. We are nobody's guest: an advertisement changes nothing, however many come. */
static void advertisements_of_others_leave_no_trace(void **state)
{
	static const uint8_t	       all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct nd_router_advertisement ra = { .lifetime = 1800, .has_prefix = true, .prefix_bits = 64 };
	struct ip_header	       ip = header("fe80::3", "ff02::1", IPPROTO_ICMP6);
	struct two_hosts	       w;
	uint8_t			       p[256], frame[2048];

	(void)state;
	begin(&w);
	ip.ttl = 255;
	const uint64_t before = stats_of(&w, 1).TernMemory;
	for (uint32_t i = 0; i < 100000; i++) {
		put32(ra.prefix.b, 0x20010000 + i);
		const uint32_t n = (uint32_t)nd_router_emit(p, sizeof p, &ra);
		put16(p + 2, 0);
		const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, n);
		put16(p + 2, checksum_finish(checksum_add(sum, p, n)));
		inject(&w, all_nodes, &ip, p, n);
	}
	assert_int_equal(stats_of(&w, 1).TernMemory, before);
	assert_int_equal(take(&w, 1, frame), 0);
	two_end(&w);
}

/* attacks: CVE-2020-11899. Whole packets to groups that we hear, cut after each octet and with each octet changed:
 * none is read beyond its end (each is in memory of its own length), none answered with an error. */
static void hostile_packets_to_groups(void **state)
{
	static const uint8_t	all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 }, values[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct tern_addr	nodes = nd_all_nodes(), routers = nd_all_routers();
	struct ethernet_header	frame = { .type = ETHERNET_TYPE_IPV6 };
	struct ip_header	ip = header("fe80::3", "ff02::1", IPPROTO_UDP_);
	struct nd_message	ns = { .type = ND_SOLICITATION, .has_mac = true, .mac = { 2, 0, 0, 0, 0, 3 } };
	struct two_hosts	w;
	struct tern_datagram	in;
	uint8_t			p[256], sent[2048];
	unsigned		taken = 0;

	(void)state;
	begin(&w);
	const tern_socket udp = open_socket(&w, 1, (struct tern_datagram_open){ .local = { .port = 7 } });
	const tern_socket router = open_socket(&w, 1, (struct tern_datagram_open){ .kind = TERN_DATAGRAM_ROUTER });
	assert_int_equal(tern_datagram_join(w.host[1], udp, 0, &nodes), 0);
	assert_int_equal(tern_datagram_join(w.host[1], router, 0, &nodes), 0);
	assert_int_equal(tern_datagram_join(w.host[1], router, 0, &routers), 0);
	memcpy(frame.dst, all_nodes, 6);
	memcpy(frame.src, mac_of[2], 6);
	ns.target = two_addr(1, true);
	for (unsigned kind = 0; kind < 4; kind++) {
		uint8_t payload[64] = { IPPROTO_UDP_, 0, 1, 4 }; /* a header of options, before UDP */
		uint32_t n = 8 + UDP_HEADER + 4;

		ip.ttl = 255;
		ip.protocol = kind < 2 ? (kind ? 0 : 60) : IPPROTO_ICMP6; /* hop-by-hop, destination options */
		udp_wire_emit(payload + 8, &ip.src, &ip.dst, 9, 7, payload + 8 + UDP_HEADER, 4);
		if (kind == 2) {
			n = (uint32_t)nd_emit(payload, &ns, &ip.src, &ip.dst);
		} else if (kind == 3) {
			n = 16;
			memcpy(payload, ((uint8_t[16]){ ND_ROUTER_SOLICITATION, [8] = 1, 1, 2, 0, 0, 0, 0, 3 }), 16);
			const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, n);
			put16(payload + 2, checksum_finish(checksum_add(sum, payload, n)));
		}
		ethernet_emit(p, &frame);
		const size_t head = ETHERNET_HEADER + ip_wire_emit(p + ETHERNET_HEADER, &ip, n);
		memcpy(p + head, payload, n);
		for (size_t cut = 0; cut <= head + n; cut++) {
			for (size_t at = 0; at < head + n; at += cut == head + n ? 1 : head + n) {
				for (unsigned v = 0; v < sizeof values; v++) {
					uint8_t *const copy = malloc(cut ? cut : 1);

					memcpy(copy, p, cut);
					if (at < cut && v > 0)
						copy[at] = values[v];
					two_inject(&w, 1, copy, cut, false);
					free(copy);
				}
			}
		}
		taken += drain(&w, udp, &in) + drain(&w, router, &in);
	}
	assert_true(taken > 3);
	while (take(&w, 1, sent) > 0)
		;
	assert_int_equal(stats_of(&w, 1).IcmpOutErrors, 0);
	tern_host_check(w.host[1]);
	two_end(&w);
}

/* A DHCP server answers a client by the address that it gives it, before the client has it. */
static void a_neighbour_may_be_told(void **state)
{
	const struct tern_addr client = addr("10.0.0.9"), own = two_addr(0, false);
	struct two_hosts       w;
	uint8_t		       frame[2048];

	(void)state;
	begin(&w);
	const tern_socket socket = open_socket(&w, 0, (struct tern_datagram_open){ .local = { .port = 67 } });
	assert_int_equal(tern_host_set_neighbour(w.host[0], 0, &client, to_all), -TERN_EINVAL);
	assert_int_equal(tern_host_set_neighbour(w.host[0], 0, &own, mac_of[2]), -TERN_EINVAL);
	assert_int_equal(tern_host_set_neighbour(w.host[0], 1, &client, mac_of[2]), -TERN_EINVAL);
	assert_int_equal(send_to(&w, socket, "10.0.0.9", 68, 3), 0); /* waits for an answer */
	assert_int_equal(tern_host_set_neighbour(w.host[0], 0, &client, mac_of[2]), 0);
	unsigned datagrams = 0;
	for (size_t n; (n = take(&w, 0, frame)) > 0;)
		if (get16(frame + 12) == ETHERNET_TYPE_IPV4) {
			assert_memory_equal(frame, mac_of[2], 6);
			datagrams++;
		}
	assert_int_equal(datagrams, 1);
	assert_int_equal(tern_host_set_neighbour(w.host[0], 0, &client, mac_of[1]), 0); /* another card now */
	assert_int_equal(send_to(&w, socket, "10.0.0.9", 68, 3), 0);
	assert_int_not_equal(take(&w, 0, frame), 0);
	assert_memory_equal(frame, mac_of[1], 6);
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broadcasts_reach_those_who_asked),
		cmocka_unit_test(groups_reach_those_who_joined),
		cmocka_unit_test(groups_are_bounded_and_left_on_close),
		cmocka_unit_test(no_source_is_for_those_who_ask),
		cmocka_unit_test(nothing_answers_what_is_for_several),
		cmocka_unit_test(a_router_hears_solicitations_and_advertises),
		cmocka_unit_test(advertisements_of_others_leave_no_trace),
		cmocka_unit_test(hostile_packets_to_groups),
		cmocka_unit_test(a_neighbour_may_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
