/* Frames: what comes before IP on an Ethernet link. */
#include "attacks/attack.h"

#include "wire/arp.h"

static void begin_frames(bool v6)
{
	foe_defaults(&foe);
	foe.v6 = v6;
	foe.ethernet = true;
	foe_begin(&foe);
	chance = (struct chance){ 3 };
}

/* CVE-2020-11913/11914: frames of 0 to 64 octets, of each type that we know and some that we do not, to us and to all,
 * of zeros and of noise: dropped, counted, not answered. */
static void runts_of_every_type(void **state)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x8035, 0x8100,
					  0x88a8, 0x0000, 0x05dc, 0xffff };
	uint8_t		      frame[64];

	(void)state;
	begin_frames(false);
	for (unsigned t = 0; t < sizeof types / sizeof *types; t++)
		for (unsigned len = 0; len <= sizeof frame; len++)
			for (unsigned how = 0; how < 4; how++) {
				for (unsigned i = 0; i < sizeof frame; i++)
					frame[i] = how & 2 ? (uint8_t)chance_next(&chance) : 0;
				memcpy(frame, how & 1 ? "\xff\xff\xff\xff\xff\xff" : "\x02\0\0\0\0\x02", 6);
				memcpy(frame + 6, "\x02\0\0\0\0\x09", 6);
				put16(frame + 12, types[t]);
				foe_mark(&foe);
				foe_raw(&foe, frame, len);
				foe_was_dropped(&foe);
			}
	foe_end(&foe);
}

/* "ND/ARP cache flood": a hundred thousand destinations of a /32 that nobody has (SYNs that we answer): the cache and
 * what waits in it are bounded, and a neighbour that lives is not pushed out. */
static void a_scan_of_neighbours(void **state)
{
	uint8_t packet[2000];

	(void)state;
	begin_frames(false);
	(void)foe_listen(&foe, 128);
	static const uint8_t mac[6] = { 2, 0, 0, 1, 0, 5 };
	/* A neighbour that lives: it is asked for because it is to be answered, and answers. */
	const struct tcp_segment ack = { .src_port = 7, .flags = TCP_ACK, .wnd = 1000 };
	const size_t		 n_ack = foe_segment(&foe, packet + 14, FOE_PEER, &ack);
	memcpy(packet, "\x02\0\0\0\0\x02\x02\0\0\x01\0\x05\x08\0", 14);
	foe_raw(&foe, packet, 14 + n_ack);
	assert_int_equal(foe_next(&foe), FOE_OTHER); /* who has it? */
	struct arp_packet reply = { .operation = ARP_REPLY,
				    .sender = foe_addr(&foe, FOE_PEER),
				    .target = foe_addr(&foe, FOE_HOST) };
	memcpy(reply.sender_mac, mac, 6);
	uint8_t arp[14 + ARP_PACKET];
	memcpy(arp, "\x02\0\0\0\0\x02\x02\0\0\x01\0\x05\x08\x06", 14);
	arp_emit(arp + 14, &reply);
	foe_raw(&foe, arp, sizeof arp);
	(void)foe_drain(&foe);
	size_t most = 0;
	for (uint32_t i = 0; i < 100000; i++) {
		const struct tcp_segment syn = {
			.src_port = (uint16_t)(i + 1), .flags = TCP_SYN, .wnd = 1000, .seq = seq(i)
		};
		const size_t n = foe_segment(&foe, packet + 14, 0x00020000 + i, &syn);

		memcpy(packet, "\x02\0\0\0\0\x02\x02\0\0\0\0\x09\x08\0", 14);
		foe_raw(&foe, packet, 14 + n);
		(void)foe_drain(&foe);
		foe.now += 20 * TERN_MICROSECOND;
		tern_host_advance(foe.host, foe.now);
		const size_t memory = foe_stats(&foe).TernMemory;
		most = memory > most ? memory : most;
	}
	assert_true(most - foe.before.TernMemory < 256 << 10);
	/* Who lives is answered at once, without a question. */
	(void)foe_segment(&foe, packet + 14, FOE_PEER, &ack);
	memcpy(packet, "\x02\0\0\0\0\x02\x02\0\0\x01\0\x05\x08\0", 14);
	(void)foe_drain(&foe);
	foe_raw(&foe, packet, 14 + n_ack);
	(void)foe_next(&foe);
	assert_memory_equal(foe.bytes, mac, 6);
	foe_end(&foe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runts_of_every_type),
		cmocka_unit_test(a_scan_of_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
