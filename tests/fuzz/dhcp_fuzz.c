/* What a guest asks a DHCP or DHCPv6 server, and the answers made of it; the resolv.conf that the answers are about.
 * First byte: 0 DHCP, 1 DHCPv6, 2 resolv.conf (modulo 3); its high bits decide what the answer says.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "gateway/dhcp.h"
#include "gateway/dns.h"
#include "wire/dhcp.h"
#include "wire/dhcp6.h"

#include <stdlib.h>

static const struct domains *domains_for(uint8_t how)
{
	static struct domains domains;

	domains = (struct domains){ .n = 0 };
	for (unsigned i = 0; i < (how >> 4 & 7u); i++)
		(void)domain_add(&domains, "a-name-of-some-length.example.org", 33);
	return how & 0x80 ? &domains : NULL;
}

static void dhcp(const uint8_t *p, size_t n, uint8_t how)
{
	static const enum dhcp_type types[] = { DHCP_OFFER, DHCP_ACK, DHCP_NAK };
	struct dhcp_message	    message;

	if (!dhcp_parse(&message, p, n))
		return;
	if (message.n_client_id > DHCP_CLIENT_ID_MOST || message.type < DHCP_DISCOVER ||
	    message.type > DHCP_INFORM)
		fuzz_fail("a message out of its range");
	for (unsigned i = 0; i < 3; i++) {
		const struct dhcp_reply reply = {
			.type = types[i],
			.yiaddr = 1,
			.server = 2,
			.lease = how & 4 ? 86400 : 0,
			.mask = ~0u,
			.router = 3,
			.dns = 4,
			.broadcast = 5,
			.mtu = 1500,
			.search = domains_for(how),
			.boot_file = how & 8 ? "a/file/to/boot" : NULL,
			.message = how & 4 ? "no" : NULL,
		};
		/* The least room that there may be, and the most. */
		const size_t   room = how & 4 ? DHCP_MESSAGE_MOST : DHCP_FIXED + 60;
		uint8_t *const to = malloc(room);
		const size_t   made = dhcp_emit(to, room, &reply, &message);

		if (made > room || made < DHCP_FIXED)
			fuzz_fail("an answer of %zu bytes in a room of %zu", made, room);
		if (message.size_most >= DHCP_MESSAGE_ANY + 28 && made + 28 > message.size_most)
			fuzz_fail("an answer of %zu bytes to a client that takes %u", made,
				  message.size_most);
		free(to);
	}
}

static void dhcp6(const uint8_t *p, size_t n, uint8_t how)
{
	static const uint8_t   mac[ETHERNET_ADDRESS] = { 2, 0, 0, 0, 0, 1 };
	const struct tern_addr dns = { { 0xfd } };
	struct dhcp6_request   request;
	uint8_t		       duid[DHCP6_DUID_LL];

	dhcp6_duid_ll(duid, mac);
	if (dhcp6_parse(&request, p, n, duid, sizeof duid) != DHCP6_TAKEN)
		return;
	if (request.n_client > DHCP6_DUID_MOST || request.transaction >> 24)
		fuzz_fail("a request out of its range");
	const struct dhcp6_reply reply = { .duid = duid,
					   .n_duid = sizeof duid,
					   .dns = how & 4 ? &dns : NULL,
					   .search = domains_for(how),
					   .refresh_time = 86400 };
	const size_t		 room = how & 8 ? DHCP6_MESSAGE_MOST : how;
	uint8_t *const		 to = malloc(room + 1);
	const size_t		 made = dhcp6_emit(to, room, &reply, &request);
	if (made > room)
		fuzz_fail("an answer of %zu bytes in a room of %zu", made, room);
	free(to);
}

static void resolvers(const uint8_t *p, size_t n)
{
	struct tern_endpoint at[DNS_RESOLVERS];
	struct domains	     domains;
	char *const	     text = malloc(n + 1);

	if (!text)
		return;
	memcpy(text, p, n);
	text[n] = '\0';
	if (dns_parse(at, text) > DNS_RESOLVERS)
		fuzz_fail("more resolvers than there is room for");
	dhcp_search(&domains, text);
	if (domains.n > DOMAINS || domains_fit(&domains, DOMAINS_BYTES) != domains.n_bytes)
		fuzz_fail("domains that do not add up");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	const uint8_t  how = fuzz_u8(&in);

	switch (how % 3) {
	case 0: dhcp(in.at, in.n, how); break;
	case 1: dhcp6(in.at, in.n, how); break;
	default: resolvers(in.at, in.n); break;
	}
	return 0;
}
