#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tern/link.h>
#include <tern/loop.h>

#include "wire/checksum.h"

/* What is out, so that a test sees what was not given back; and the n-th call that fails. */
struct ledger {
	size_t	 bytes;
	unsigned calls, fail_from;
};

static void *ledger_alloc(void *context, size_t size, size_t align)
{
	struct ledger *ledger = context;

	if (ledger->fail_from && ++ledger->calls >= ledger->fail_from)
		return NULL;
	ledger->bytes += size;
	return tern_allocator_default()->alloc(NULL, size, align);
}

static void ledger_free(void *context, void *block, size_t size)
{
	((struct ledger *)context)->bytes -= size;
	tern_allocator_default()->free(NULL, block, size);
}

static struct ledger		   ledger;
static const struct tern_allocator counted = { ledger_alloc, ledger_free, &ledger };
static uint8_t			   text[70000];

static int setup(void **state)
{
	(void)state;
	ledger = (struct ledger){ 0 };
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 7 + i / 256);
	return 0;
}

static void make_pair(struct tern_link *end[2], uint32_t mtu, bool gso, bool sums)
{
	const struct tern_link_config config = { .mtu = mtu, .gso = gso, .checksum_offload = sums };

	assert_int_equal(tern_pair_create(end, &config, &counted), 0);
}

static size_t send_one(struct tern_link *link, tern_packet *packet)
{
	return link->ops->send(link, &packet, 1, 0);
}

static tern_packet whole(uint32_t from, uint32_t len)
{
	return (tern_packet){ .part[0] = { .at = text + from, .n = len }, .n_parts = 1, .len = len };
}

static void close_both(struct tern_link *end[2])
{
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	assert_int_equal(ledger.bytes, 0);
}

static void parts_are_gathered_into_one(void **state)
{
	struct tern_link *end[2];
	tern_packet	  packet = { .n_parts = 3, .len = 60, .mark = 99, .link = 5 };
	tern_packet	 *got[4];

	(void)state;
	packet.part[0] = (struct tern_packet_part){ .at = text, .n = 20 };
	packet.part[1] = (struct tern_packet_part){ .at = text + 20, .n = 1 };
	packet.part[2] = (struct tern_packet_part){ .at = text + 21, .n = 39 };
	make_pair(end, 1500, false, false);
	assert_int_equal(end[1]->ops->deadline(end[1]), TERN_NEVER);
	assert_int_equal(send_one(end[0], &packet), 1);
	assert_true(end[1]->ops->deadline(end[1]) <= 0);
	assert_int_equal(end[0]->ops->receive(end[0], got, 4, 0), 0);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 1);
	assert_int_equal(got[0]->n_parts, 1);
	assert_int_equal(got[0]->len, 60);
	assert_int_equal(got[0]->part[0].n, 60);
	assert_memory_equal(got[0]->part[0].at, text, 60);
	assert_int_equal(got[0]->mark, 99);
	assert_null(got[0]->host);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 0);
	close_both(end);
}

static void packets_stay_in_order_through_recycling(void **state)
{
	struct tern_link *end[2];
	uint64_t	  sent = 0, seen = 0;

	(void)state;
	make_pair(end, 1500, false, false);
	for (unsigned round = 0; round < 2000; round++) {
		tern_packet *got[7];

		for (unsigned i = 0; i < 1 + round % 9 && sent - seen < 300; i++) {
			tern_packet packet = whole((uint32_t)(sent % 1000), (uint32_t)(sent * 31 % 1500) + 1);
			packet.mark = ++sent;
			assert_int_equal(send_one(end[1], &packet), 1);
		}
		const size_t n = end[0]->ops->receive(end[0], got, 7, 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(got[i]->len, seen * 31 % 1500 + 1);
			assert_memory_equal(got[i]->part[0].at, text + seen % 1000, got[i]->len);
			assert_int_equal(got[i]->mark, ++seen);
		}
	}
	assert_true(seen > 9000);
	close_both(end);
}

static void a_full_end_takes_fewer(void **state)
{
	struct tern_link *end[2];
	tern_packet	  packet = whole(0, 40), *batch[100], *got[4096];
	size_t		  taken = 0, n;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		batch[i] = &packet;
	make_pair(end, 1500, false, false);
	while ((n = end[0]->ops->send(end[0], batch, 100, 0)) > 0)
		taken += n;
	assert_int_equal(taken, 4096);
	assert_int_equal(end[1]->ops->receive(end[1], got, 10, 0), 10);
	assert_int_equal(end[0]->ops->send(end[0], batch, 100, 0), 10);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4096, 0), 4096);
	close_both(end);
}

static void bytes_are_bounded_too(void **state)
{
	struct tern_link *end[2];
	tern_packet	  packet = whole(0, 65535), *got[1];
	size_t		  taken = 0;

	(void)state;
	make_pair(end, 65535, false, false);
	while (send_one(end[0], &packet))
		taken++;
	assert_true(taken > 200 && taken <= 257);
	assert_true(ledger.bytes < 20u << 20);
	assert_int_equal(end[1]->ops->receive(end[1], got, 1, 0), 1);
	assert_int_equal(got[0]->len, 65535);
	assert_memory_equal(got[0]->part[0].at, text, 65535);
	close_both(end);
}

/* The MTU is of the IP packet: a frame has its Ethernet header before that. And so through impair. */
static void ethernet_frames_carry_a_whole_mtu(void **state)
{
	const struct tern_link_config config = { .mtu = 1500, .ethernet = true, .gso = true, .mac = { 2, 3 } };
	const struct tern_impair      nothing = { .seed = 1 };
	struct tern_link	     *end[2], *over;
	tern_packet		     *got[4];
	tern_packet		      longest = whole(0, 1514), longer = whole(0, 1515);

	(void)state;
	assert_int_equal(tern_pair_create(end, &config, &counted), 0);
	assert_int_equal(tern_impair_create(&over, end[0], &nothing, &counted), 0);
	assert_true(over->config.ethernet && !over->config.gso);
	assert_memory_equal(over->config.mac, config.mac, 6);
	end[0] = over;
	assert_int_equal(send_one(end[0], &longest), 1);
	assert_int_equal(send_one(end[0], &longer), 1);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 1);
	assert_int_equal(got[0]->len, 1514);
	close_both(end);
}

static void what_exceeds_the_mtu_is_lost_unless_it_is_to_be_split(void **state)
{
	struct tern_link *end[2];
	tern_packet	  big = whole(0, 60000), *got[4];

	(void)state;
	make_pair(end, 1500, false, true);
	assert_int_equal(send_one(end[0], &big), 1);
	big.gso_size = 1460;
	assert_int_equal(send_one(end[0], &big), 1);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 0);
	close_both(end);

	make_pair(end, 1500, true, true);
	big.checksum_offload = true;
	big.gso_headers = 40;
	assert_int_equal(send_one(end[0], &big), 1);
	assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 1);
	assert_int_equal(got[0]->len, 60000);
	assert_int_equal(got[0]->gso_size, 1460);
	assert_int_equal(got[0]->gso_headers, 40);
	assert_true(got[0]->checksum_offload);
	assert_memory_equal(got[0]->part[0].at, text, 60000);
	/* A recycled buffer does not remember. */
	tern_packet small = whole(3, 1400);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send_one(end[0], &small), 1);
		assert_int_equal(end[1]->ops->receive(end[1], got, 4, 0), 1);
		assert_int_equal(got[0]->gso_size, 0);
		assert_false(got[0]->checksum_offload);
	}
	close_both(end);
}

static void a_closed_end_swallows(void **state)
{
	struct tern_link *end[2];
	tern_packet	  packet = whole(0, 40), *got[1];

	(void)state;
	make_pair(end, 1500, false, false);
	assert_int_equal(send_one(end[0], &packet), 1);
	assert_int_equal(send_one(end[1], &packet), 1);
	end[1]->ops->close(end[1]);
	assert_int_equal(send_one(end[0], &packet), 1);
	assert_int_equal(end[0]->ops->receive(end[0], got, 1, 0), 1);
	end[0]->ops->close(end[0]);
	assert_int_equal(ledger.bytes, 0);
}

static void failing_memory_loses_packets_and_nothing_else(void **state)
{
	struct tern_link	     *end[2];
	const struct tern_link_config config = { .mtu = 1500 };
	tern_packet		      packet = whole(0, 40), *got[1];

	(void)state;
	ledger.fail_from = 1;
	assert_int_equal(tern_pair_create(end, &config, &counted), -TERN_ENOMEM);
	ledger = (struct ledger){ .fail_from = 2 };
	assert_int_equal(tern_pair_create(end, &config, &counted), 0);
	assert_int_equal(send_one(end[0], &packet), 1);
	assert_int_equal(end[1]->ops->receive(end[1], got, 1, 0), 0);
	close_both(end);
}

static void bad_arguments_are_refused(void **state)
{
	struct tern_link	     *end[2];
	const struct tern_link_config good = { .mtu = 1500 }, small = { .mtu = 67 }, large = { .mtu = 65536 };

	(void)state;
	assert_int_equal(tern_pair_create(end, &good, NULL), -TERN_EINVAL);
	assert_int_equal(tern_pair_create(end, NULL, &counted), -TERN_EINVAL);
	assert_int_equal(tern_pair_create(end, &small, &counted), -TERN_EINVAL);
	assert_int_equal(tern_pair_create(end, &large, &counted), -TERN_EINVAL);
}

/* A sum that the host left to the link is made while the parts are gathered; where sums are needless it stays so. */
static void the_link_makes_the_sum(void **state)
{
	(void)state;
	for (unsigned needless = 0; needless < 2; needless++) {
		for (unsigned cut = 0; cut <= 40; cut++) {
			struct tern_link *end[2];
			uint8_t		  headers[40];
			tern_packet	 *got[1];
			tern_packet packet = { .n_parts = 3, .len = 80, .checksum_offload = true,
					       .csum_start = 20, .csum_offset = 16 };

			memcpy(headers, text, sizeof headers);
			headers[36] = 0x12; /* what the pseudo-header sums to */
			headers[37] = 0x34;
			packet.part[0] = (struct tern_packet_part){ .at = headers, .n = 40 };
			packet.part[1] = (struct tern_packet_part){ .at = text + 40, .n = cut };
			packet.part[2] = (struct tern_packet_part){ .at = text + 40 + cut, .n = 40 - cut };
			make_pair(end, 1500, false, needless);
			assert_true(end[0]->config.checksum_offload);
			assert_int_equal(send_one(end[0], &packet), 1);
			assert_int_equal(end[1]->ops->receive(end[1], got, 1, 0), 1);
			assert_int_equal(got[0]->checksum_offload, needless);
			const uint8_t *const at = got[0]->part[0].at;
			/* Of the whole, its own checksum in place of the pseudo-header's sum. */
			if (needless)
				assert_memory_equal(at, headers, 40);
			else
				assert_true(checksum_is_right(checksum_add(checksum_add(0, headers + 36, 2),
									   at + 20, 60)));
			assert_memory_equal(at + 40, text + 40, 40);
			close_both(end);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_link_makes_the_sum),
		cmocka_unit_test_setup(parts_are_gathered_into_one, setup),
		cmocka_unit_test_setup(packets_stay_in_order_through_recycling, setup),
		cmocka_unit_test_setup(a_full_end_takes_fewer, setup),
		cmocka_unit_test_setup(bytes_are_bounded_too, setup),
		cmocka_unit_test_setup(ethernet_frames_carry_a_whole_mtu, setup),
		cmocka_unit_test_setup(what_exceeds_the_mtu_is_lost_unless_it_is_to_be_split, setup),
		cmocka_unit_test_setup(a_closed_end_swallows, setup),
		cmocka_unit_test_setup(failing_memory_loses_packets_and_nothing_else, setup),
		cmocka_unit_test_setup(bad_arguments_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
