/* ip/reassembly: fragments of a few datagrams in any order, overlapping, contradicting, lost and late. The oracle is a
 * pattern: what is handed out whole is as it was sent, unless a sender contradicted itself.
 *
 * Records of 8 bytes: datagram and version; salt and flags; offset (8 bytes units, 16 bits); octets (16 bits); time
 * that passes first (a sixteenth of a second); protocol and ECN.
 */
#include "fuzz/fuzz.h"
#include "fuzz/heap.h"

#include "base/bytes.h"
#include "ip/reassembly.h"
#include "wire/tuple.h"

#include <stdio.h>

enum { RECORD = 8, LIMIT = 4 << 20, ROOM = 8 << 20, PAYLOAD_MOST = 2048, RECORDS_MOST = 512 };

static uint64_t counts[IP_REASSEMBLY_RESULTS];

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return fuzz_mutate_records(data, size, max_size, 0, RECORD, seed);
}

bool fuzz_report(void)
{
	for (int i = 0; i < IP_REASSEMBLY_RESULTS; i++)
		printf("  %-12s %12llu\n", ip_reassembly_name((enum ip_reassembly_result)i),
		       (unsigned long long)counts[i]);
	return counts[IP_REASSEMBLY_HELD] == 0 || counts[IP_REASSEMBLY_COMPLETE] > 0;
}

static uint8_t octet(uint32_t at, unsigned salt)
{
	return (uint8_t)(at * 7 + (at >> 8) * 13 + salt);
}

static struct tern_addr address(unsigned version, unsigned n)
{
	struct tern_addr addr = { { 0x20, 0x01, 0x0d, 0xb8 } };

	if (version == 4)
		return addr_v4(0x0a000000 + n);
	addr.b[7] = (uint8_t)n; /* another /64, so another account */
	addr.b[15] = (uint8_t)n;
	return addr;
}

static void check_whole(const struct ip_reassembled *out, bool same_salt)
{
	struct ip_header ip;

	const enum ip_parse_result result = ip_wire_parse(&ip, out->packet, out->len);
	if (result == IP_PARAMETER_PROBLEM || result == IP_MALFORMED)
		return; /* what it carried is for the parser to refuse */
	if (result != IP_PARSED || ip.is_fragment)
		fuzz_fail("a packet put together does not parse (%d)", result);
	if (ip.header_len + ip.payload_len != out->len)
		fuzz_fail("%u bytes put together, of which %u are the packet's", out->len,
			  ip.header_len + ip.payload_len);
	if (ip.protocol != IPPROTO_UDP_ || !same_salt)
		return;
	for (uint32_t i = 0; i < ip.payload_len; i++)
		if (ip.payload[i] != octet(i, 0))
			fuzz_fail("octet %u of %u is not as it was sent", i, ip.payload_len);
}

/* Makes one fragment as it would come, and gives it in. */
static void add(struct ip_reassembly *r, struct fuzz_in *in, tern_time *now, bool *same_salt)
{
	static uint8_t	      packet[PAYLOAD_MOST + 64];
	struct ip_reassembled out = { .len = 0 };
	struct ip_header      ip = { .ttl = 64 };
	const uint8_t	      which = fuzz_u8(in), flags = fuzz_u8(in);
	const uint16_t	      units = fuzz_u16(in), octets = fuzz_u16(in);
	const uint8_t	      passes = fuzz_u8(in), protocol = fuzz_u8(in);

	*now += passes * (TERN_SECOND / 16);
	ip.version = which & 1 ? 6 : 4;
	ip.src = address(ip.version, 1 + (which >> 1 & 3));
	ip.dst = address(ip.version, 9);
	ip.id = which >> 3;
	ip.protocol = protocol & 0x3f ? (uint8_t)(protocol & 0x3f) : IPPROTO_UDP_;
	ip.traffic_class = protocol >> 6;
	ip.more_fragments = flags & 1;
	ip.is_fragment = true;
	ip.fragment_offset = (uint16_t)(units * 8u);
	const unsigned salt = flags & 2 ? flags >> 4 : 0;
	const uint32_t n = octets % PAYLOAD_MOST;
	*same_salt &= salt == 0;
	const size_t head = ip_wire_emit_fragment(packet, &ip, n);
	for (uint32_t i = 0; i < n; i++)
		packet[head + i] = octet(ip.fragment_offset + i, salt);
	if (ip_wire_parse(&ip, packet, head + n) != IP_PARSED || !ip.is_fragment)
		return;
	const enum ip_reassembly_result result = ip_reassembly_add(r, &ip, flags >> 2 & 3, *now, &out);
	if (result >= IP_REASSEMBLY_RESULTS)
		fuzz_fail("a result out of range");
	counts[result]++;
	if (result == IP_REASSEMBLY_COMPLETE)
		check_whole(&out, *same_salt);
}

static void expire(struct ip_reassembly *r, tern_time now)
{
	struct ip_reassembly_expired expired;
	unsigned		     n = 0;

	while (ip_reassembly_expire(r, now, &expired))
		if (++n > IP_REASSEMBLY_DATAGRAMS)
			fuzz_fail("more datagrams expire than there may be");
	if (ip_reassembly_deadline(r) <= now)
		fuzz_fail("nothing expires, and something is due");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct siphash_key key = { 1, 2 };
	static struct heap		heap;
	struct fuzz_in			in = { data, size };
	struct ip_reassembly		r;
	struct mem			mem;
	tern_time			now = 0;
	bool				same_salt = true;

	if (!heap.base)
		heap_init(&heap, ROOM);
	heap_clear(&heap);
	const struct tern_allocator allocator = heap_allocator(&heap);
	mem_init(&mem, &allocator, LIMIT, 0);
	ip_reassembly_init(&r, &mem, &key, 30 * TERN_SECOND);
	for (unsigned i = 0; in.n >= RECORD && i < RECORDS_MOST; i++) {
		add(&r, &in, &now, &same_salt);
		ip_reassembly_check(&r);
		expire(&r, now);
		if (r.used > r.limit || mem.used > LIMIT / 16)
			fuzz_fail("%zu bytes held, %zu allowed", r.used, r.limit);
	}
	expire(&r, now + 31 * TERN_SECOND);
	if (r.n != 0)
		fuzz_fail("%u datagrams outlive their time", r.n);
	ip_reassembly_done(&r);
	if (heap.n_live != 0 || mem.used != 0)
		fuzz_fail("%zu blocks are not given back", heap.n_live);
	return 0;
}
