#include "wire/dhcp.h"

enum {
	OP_REQUEST = 1,
	OP_REPLY = 2,
	HARDWARE_ETHERNET = 1,
	XID_AT = 4,
	FLAGS_AT = 10,
	CIADDR_AT = 12,
	YIADDR_AT = 16,
	SIADDR_AT = 20,
	GIADDR_AT = 24,
	CHADDR_AT = 28,
	SNAME_AT = 44,
	SNAME = 64,
	FILE_AT = 108,
	FILE_BYTES = 128,
	COOKIE_AT = 236,
	FLAG_BROADCAST = 0x8000,
	IP_AND_UDP = 28,
	OPTION_DATA = 255,

	OVERLOAD_FILE = 1,
	OVERLOAD_SNAME = 2,

	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_MTU = 26,
	OPTION_BROADCAST = 28,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_WANTED = 55,
	OPTION_MESSAGE = 56,
	OPTION_SIZE_MOST = 57,
	OPTION_T1 = 58,
	OPTION_T2 = 59,
	OPTION_CLIENT_ID = 61,
	OPTION_BOOT_FILE = 67,
	OPTION_SEARCH = 119,
	OPTION_END = 255,
};

static const uint32_t MAGIC_COOKIE = 0x63825363;

/* ---- in ---- */

static bool take_client_id(struct dhcp_message *message, const uint8_t *p, uint8_t n)
{
	if (message->n_client_id + n > DHCP_CLIENT_ID_MOST)
		return false;
	memcpy(message->client_id + message->n_client_id, p, n);
	message->n_client_id = (uint16_t)(message->n_client_id + n);
	return true;
}

static bool take_address(uint32_t *field, const uint8_t *p, uint8_t n)
{
	if (n != sizeof *field)
		return false;
	*field = get32(p);
	return true;
}

/* False: an option that makes the message none. */
static bool take_option(struct dhcp_message *message, uint8_t *overload, uint8_t option, const uint8_t *p, uint8_t n)
{
	switch (option) {
	case OPTION_TYPE:
		if (n != 1)
			return false;
		message->type = (enum dhcp_type)p[0];
		return true;
	case OPTION_OVERLOAD:
		if (n != 1)
			return false;
		*overload = p[0];
		return true;
	case OPTION_REQUESTED:
		return take_address(&message->requested, p, n);
	case OPTION_SERVER:
		return take_address(&message->server, p, n);
	case OPTION_SIZE_MOST:
		if (n != 2)
			return false;
		message->size_most = get16(p);
		return true;
	case OPTION_CLIENT_ID:
		return take_client_id(message, p, n);
	case OPTION_WANTED:
		message->has_wanted = true;
		for (unsigned i = 0; i < n; i++)
			message->wanted[p[i] / 8] |= (uint8_t)(1u << p[i] % 8);
		return true;
	default:
		return true;
	}
}

/* One field of options, to its END or its end. */
static bool parse_field(struct dhcp_message *message, uint8_t *overload, const uint8_t *p, size_t len)
{
	for (size_t at = 0; at < len && p[at] != OPTION_END;) {
		if (p[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (len - at < 2 || len - at - 2 < p[at + 1])
			return false;
		if (!take_option(message, overload, p[at], p + at + 2, p[at + 1]))
			return false;
		at += 2u + p[at + 1];
	}
	return true;
}

static bool is_of_client(enum dhcp_type type)
{
	switch (type) {
	case DHCP_DISCOVER:
	case DHCP_REQUEST:
	case DHCP_DECLINE:
	case DHCP_RELEASE:
	case DHCP_INFORM:
		return true;
	default:
		return false;
	}
}

bool dhcp_parse(struct dhcp_message *message, const uint8_t *p, size_t len)
{
	uint8_t overload = 0, again = 0;

	if (len < DHCP_FIXED || p[0] != OP_REQUEST || p[1] != HARDWARE_ETHERNET || p[2] != ETHERNET_ADDRESS ||
	    get32(p + COOKIE_AT) != MAGIC_COOKIE || !ethernet_is_station(p + CHADDR_AT))
		return false;
	*message = (struct dhcp_message){
		.xid = get32(p + XID_AT),
		.broadcast = (get16(p + FLAGS_AT) & FLAG_BROADCAST) != 0,
		.ciaddr = get32(p + CIADDR_AT),
		.giaddr = get32(p + GIADDR_AT),
	};
	memcpy(message->mac, p + CHADDR_AT, ETHERNET_ADDRESS);
	if (!parse_field(message, &overload, p + DHCP_FIXED, len - DHCP_FIXED))
		return false;
	if (overload & OVERLOAD_FILE && !parse_field(message, &again, p + FILE_AT, FILE_BYTES))
		return false;
	if (overload & OVERLOAD_SNAME && !parse_field(message, &again, p + SNAME_AT, SNAME))
		return false;
	return is_of_client(message->type);
}

/* ---- out ---- */

struct writer {
	uint8_t			  *p;
	size_t			   at, room; /* room: a byte for END kept back */
	const struct dhcp_message *to;
};

static bool add(struct writer *w, uint8_t option, const void *data, size_t n)
{
	if (n > OPTION_DATA || w->at + 2 + n > w->room)
		return false;
	w->p[w->at] = option;
	w->p[w->at + 1] = (uint8_t)n;
	memcpy(w->p + w->at + 2, data, n);
	w->at += 2 + n;
	return true;
}

static void add_u32(struct writer *w, uint8_t option, uint32_t value)
{
	uint8_t bytes[4];

	put32(bytes, value);
	(void)add(w, option, bytes, sizeof bytes);
}

static bool is_wanted(const struct writer *w, uint8_t option)
{
	return !w->to->has_wanted || (w->to->wanted[option / 8] >> option % 8 & 1) != 0;
}

static void add_address(struct writer *w, uint8_t option, uint32_t addr)
{
	if (addr != 0 && is_wanted(w, option))
		add_u32(w, option, addr);
}

/* Names are cut between names; a list over 255 octets goes in several options (RFC 3396, RFC 3397 2). */
static void add_search(struct writer *w, const struct domains *search)
{
	if (!search || search->n == 0 || !is_wanted(w, OPTION_SEARCH) || w->at + 2 >= w->room)
		return;
	size_t room = w->room - w->at;
	room -= 2 * ((room + OPTION_DATA + 1) / (OPTION_DATA + 2));
	size_t left = domains_fit(search, room);
	for (const uint8_t *at = search->bytes; left > 0;) {
		const size_t n = min_size(left, OPTION_DATA);

		(void)add(w, OPTION_SEARCH, at, n);
		at += n;
		left -= n;
	}
}

/* In its own field, which every client reads, and as the option for who asked for that or where it is too long. */
static void add_boot_file(struct writer *w, const struct dhcp_reply *reply)
{
	size_t n = 0;

	if (!reply->boot_file)
		return;
	while (n < DHCP_BOOT_FILE_MOST && reply->boot_file[n] != '\0')
		n++;
	put32(w->p + SIADDR_AT, reply->server);
	if (n < FILE_BYTES)
		memcpy(w->p + FILE_AT, reply->boot_file, n);
	if (n > 0 && (n >= FILE_BYTES || is_wanted(w, OPTION_BOOT_FILE)))
		(void)add(w, OPTION_BOOT_FILE, reply->boot_file, n);
}

static void add_settings(struct writer *w, const struct dhcp_reply *reply)
{
	uint8_t mtu[2];

	if (reply->lease != 0) {
		add_u32(w, OPTION_LEASE, reply->lease);
		add_u32(w, OPTION_T1, reply->lease / 2); /* RFC 2131 4.4.5 */
		add_u32(w, OPTION_T2, (uint32_t)(reply->lease * UINT64_C(7) / 8));
	}
	add_address(w, OPTION_MASK, reply->mask);
	add_address(w, OPTION_ROUTER, reply->router);
	add_address(w, OPTION_DNS, reply->dns);
	put16(mtu, reply->mtu);
	if (reply->mtu != 0 && is_wanted(w, OPTION_MTU))
		(void)add(w, OPTION_MTU, mtu, sizeof mtu);
	add_address(w, OPTION_BROADCAST, reply->broadcast);
	add_boot_file(w, reply);
	add_search(w, reply->search);
}

static void add_message(struct writer *w, const char *message)
{
	size_t n = 0;

	while (n < OPTION_DATA && message[n] != '\0')
		n++;
	(void)add(w, OPTION_MESSAGE, message, n);
}

static void write_fixed(uint8_t *p, const struct dhcp_reply *reply, const struct dhcp_message *to)
{
	memset(p, 0, DHCP_FIXED);
	p[0] = OP_REPLY;
	p[1] = HARDWARE_ETHERNET;
	p[2] = ETHERNET_ADDRESS;
	put32(p + XID_AT, to->xid);
	put16(p + FLAGS_AT, to->broadcast ? FLAG_BROADCAST : 0);
	if (reply->type == DHCP_ACK) /* RFC 2131 table 3 */
		put32(p + CIADDR_AT, to->ciaddr);
	put32(p + YIADDR_AT, reply->yiaddr);
	put32(p + GIADDR_AT, to->giaddr);
	memcpy(p + CHADDR_AT, to->mac, sizeof to->mac);
	put32(p + COOKIE_AT, MAGIC_COOKIE);
}

size_t dhcp_emit(uint8_t *p, size_t room, const struct dhcp_reply *reply, const struct dhcp_message *to)
{
	const size_t  takes = to->size_most > DHCP_MESSAGE_ANY + IP_AND_UDP ? to->size_most - (size_t)IP_AND_UDP :
									      DHCP_MESSAGE_ANY;
	struct writer w = { .p = p, .at = DHCP_FIXED, .room = min_size(room, takes) - 1, .to = to };
	const uint8_t type = (uint8_t)reply->type;

	write_fixed(p, reply, to);
	(void)add(&w, OPTION_TYPE, &type, 1);
	add_u32(&w, OPTION_SERVER, reply->server);
	if (to->n_client_id > 0)
		(void)add(&w, OPTION_CLIENT_ID, to->client_id, to->n_client_id);
	if (reply->type == DHCP_NAK) {
		if (reply->message)
			add_message(&w, reply->message);
	} else {
		add_settings(&w, reply);
	}
	p[w.at++] = OPTION_END;
	while (w.at < DHCP_MESSAGE_MIN && w.at < room)
		p[w.at++] = OPTION_PAD;
	return w.at;
}
