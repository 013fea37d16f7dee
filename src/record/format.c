/* Bytes of a recording <-> calls. Which fields a call has is one table; what else it carries is one
 * switch each way, in the same order.
 */
#include "record/format.h"
#include <stdlib.h>
#include <string.h>

const char record_magic[RECORD_MAGIC] = { 'T', 'E', 'R', 'N', 'R', 'E', 'C', '\n' };

enum field { SOCKET = 1, NOW = 2, A = 4, B = 8, KNOWN = 16 };

static const uint8_t fields[256] = {
	[TERN_RECORD_ADD_LINK] = KNOWN,
	[TERN_RECORD_SET_LINK_MTU] = KNOWN | A | B,
	[TERN_RECORD_ADD_ADDRESS] = KNOWN | A | B,
	[TERN_RECORD_REMOVE_ADDRESS] = KNOWN,
	[TERN_RECORD_ADD_ROUTE] = KNOWN | A | B,
	[TERN_RECORD_INPUT] = KNOWN | NOW,
	[TERN_RECORD_OUTPUT] = KNOWN | NOW | A,
	[TERN_RECORD_OUTPUT_MADE] = KNOWN,
	[TERN_RECORD_PACKET_DONE] = KNOWN | A,
	[TERN_RECORD_ADVANCE] = KNOWN | NOW,
	[TERN_RECORD_EVENT] = KNOWN,
	[TERN_RECORD_TRIM] = KNOWN,
	[TERN_RECORD_CONNECT] = KNOWN,
	[TERN_RECORD_LISTEN] = KNOWN,
	[TERN_RECORD_ACCEPT] = KNOWN | SOCKET,
	[TERN_RECORD_LISTENER_CONNECT] = KNOWN | SOCKET,
	[TERN_RECORD_NEXT_ASK] = KNOWN | SOCKET,
	[TERN_RECORD_ANSWER] = KNOWN | SOCKET | A,
	[TERN_RECORD_SEND] = KNOWN | SOCKET | A,
	[TERN_RECORD_SEND_OWNED] = KNOWN | SOCKET | A,
	[TERN_RECORD_RECEIVE] = KNOWN | SOCKET | A,
	[TERN_RECORD_PEEK] = KNOWN | SOCKET | A,
	[TERN_RECORD_CONSUME] = KNOWN | SOCKET | A,
	[TERN_RECORD_SHUTDOWN] = KNOWN | SOCKET,
	[TERN_RECORD_SHUTDOWN_RECEIVE] = KNOWN | SOCKET,
	[TERN_RECORD_CLOSE] = KNOWN | SOCKET,
	[TERN_RECORD_ABORT] = KNOWN | SOCKET,
	[TERN_RECORD_SET_COOKIE] = KNOWN | SOCKET | A,
	[TERN_RECORD_OPTION_SET] = KNOWN | SOCKET | A | B,
	[TERN_RECORD_SET_CONGESTION] = KNOWN | SOCKET,
	[TERN_RECORD_PACK_OUT] = KNOWN | SOCKET | A,
	[TERN_RECORD_UNPACK] = KNOWN,
	[TERN_RECORD_RECEIVE_POST] = KNOWN | SOCKET | A,
	[TERN_RECORD_RECEIVE_POSTED] = KNOWN | SOCKET,
	[TERN_RECORD_RECEIVE_UNPOST] = KNOWN | SOCKET,
	[TERN_RECORD_SET_NEIGHBOUR] = KNOWN | A,
	[TERN_RECORD_DATAGRAM_OPEN] = KNOWN,
	[TERN_RECORD_DATAGRAM_JOIN] = KNOWN | SOCKET | A,
	[TERN_RECORD_DATAGRAM_LEAVE] = KNOWN | SOCKET | A,
	[TERN_RECORD_DATAGRAM_SEND] = KNOWN | SOCKET,
	[TERN_RECORD_DATAGRAM_RECEIVE] = KNOWN | SOCKET,
	[TERN_RECORD_DATAGRAM_REFUSE] = KNOWN | SOCKET | A | B,
	[TERN_RECORD_DATAGRAM_REPORT] = KNOWN | A | B,
	[TERN_RECORD_DATAGRAM_CLOSE] = KNOWN | SOCKET,
	[RECORD_CREATE] = KNOWN | NOW,
	[RECORD_ALLOC_FAILED] = KNOWN | A,
	[RECORD_END] = KNOWN | A,
};

/* ---- numbers ---- */

uint32_t record_crc(const uint8_t *p, size_t n)
{
	uint32_t crc = ~(uint32_t)0;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return ~crc;
}

static bool grow(struct record_buffer *buffer, size_t n)
{
	if (buffer->failed)
		return false;
	if (buffer->room - buffer->n >= n)
		return true;
	const size_t room = (buffer->n + n) * 2 + 256;
	uint8_t *const at = realloc(buffer->at, room);
	if (at == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->at = at;
	buffer->room = room;
	return true;
}

void record_put(struct record_buffer *buffer, const void *from, size_t n)
{
	if (n == 0 || !grow(buffer, n))
		return;
	memcpy(buffer->at + buffer->n, from, n);
	buffer->n += n;
}

void record_put_number(struct record_buffer *buffer, uint64_t value, unsigned bytes)
{
	uint8_t little[8];
	for (unsigned i = 0; i < bytes; i++)
		little[i] = (uint8_t)(value >> 8 * i);
	record_put(buffer, little, bytes);
}

const uint8_t *record_get(struct record_cursor *cursor, size_t n)
{
	if (cursor->bad || (size_t)(cursor->end - cursor->p) < n) {
		cursor->bad = true;
		return NULL;
	}
	const uint8_t *const at = cursor->p;
	cursor->p += n;
	return at;
}

uint64_t record_get_number(struct record_cursor *cursor, unsigned bytes)
{
	const uint8_t *const p = record_get(cursor, bytes);
	uint64_t value = 0;
	for (unsigned i = 0; p != NULL && i < bytes; i++)
		value |= (uint64_t)p[i] << 8 * i;
	return value;
}

/* ---- structs ---- */

static void put_addr(struct record_buffer *buffer, const struct tern_addr *addr)
{
	record_put(buffer, addr->b, sizeof addr->b);
}

static void get_addr(struct record_cursor *cursor, struct tern_addr *addr)
{
	const uint8_t *const p = record_get(cursor, sizeof addr->b);
	if (p != NULL)
		memcpy(addr->b, p, sizeof addr->b);
}

static void put_endpoint(struct record_buffer *buffer, const struct tern_endpoint *endpoint)
{
	put_addr(buffer, &endpoint->addr);
	record_put_number(buffer, endpoint->zone, 4);
	record_put_number(buffer, endpoint->port, 2);
}

static void get_endpoint(struct record_cursor *cursor, struct tern_endpoint *endpoint)
{
	get_addr(cursor, &endpoint->addr);
	endpoint->zone = (uint32_t)record_get_number(cursor, 4);
	endpoint->port = (uint16_t)record_get_number(cursor, 2);
}

static void put_listen(struct record_buffer *buffer, const struct tern_listen *listen)
{
	put_endpoint(buffer, &listen->local);
	put_endpoint(buffer, &listen->remote);
	record_put_number(buffer, listen->backlog, 4);
	record_put_number(buffer, (unsigned)listen->any | (unsigned)listen->ask << 1, 1);
	record_put_number(buffer, listen->cookie, 8);
}

static void get_listen(struct record_cursor *cursor, struct tern_listen *listen)
{
	get_endpoint(cursor, &listen->local);
	get_endpoint(cursor, &listen->remote);
	listen->backlog = (uint32_t)record_get_number(cursor, 4);
	const uint64_t switches = record_get_number(cursor, 1);
	listen->any = (switches & 1) != 0;
	listen->ask = (switches & 2) != 0;
	listen->cookie = record_get_number(cursor, 8);
}

static void put_datagram_open(struct record_buffer *buffer, const struct tern_datagram_open *open)
{
	record_put_number(buffer, open->kind, 1);
	put_endpoint(buffer, &open->local);
	put_endpoint(buffer, &open->remote);
	record_put_number(buffer,
			  (unsigned)open->any | (unsigned)open->broadcast << 1 | (unsigned)open->unaddressed << 2, 1);
	record_put_number(buffer, open->queue, 4);
	record_put_number(buffer, open->cookie, 8);
}

static void get_datagram_open(struct record_cursor *cursor, struct tern_datagram_open *open)
{
	open->kind = (enum tern_datagram_kind)record_get_number(cursor, 1);
	get_endpoint(cursor, &open->local);
	get_endpoint(cursor, &open->remote);
	const uint64_t switches = record_get_number(cursor, 1);
	open->any = (switches & 1) != 0;
	open->broadcast = (switches & 2) != 0;
	open->unaddressed = (switches & 4) != 0;
	open->queue = (uint32_t)record_get_number(cursor, 4);
	open->cookie = record_get_number(cursor, 8);
}

/* Of one that is reported on, the data may be gone; its length is not. */
static void put_datagram(struct record_buffer *buffer, const struct tern_datagram *datagram)
{
	const bool has_data = datagram->data != NULL;

	put_endpoint(buffer, &datagram->local);
	put_endpoint(buffer, &datagram->remote);
	record_put_number(buffer, datagram->link, 1);
	record_put_number(buffer, datagram->ttl, 1);
	record_put_number(buffer, datagram->traffic_class, 1);
	record_put_number(buffer, (unsigned)datagram->dont_fragment | (unsigned)has_data << 1, 1);
	record_put_number(buffer, datagram->n, 4);
	if (has_data)
		record_put(buffer, datagram->data, datagram->n);
}

static void get_datagram(struct record_cursor *cursor, struct tern_datagram *datagram)
{
	get_endpoint(cursor, &datagram->local);
	get_endpoint(cursor, &datagram->remote);
	datagram->link = (uint8_t)record_get_number(cursor, 1);
	datagram->ttl = (uint8_t)record_get_number(cursor, 1);
	datagram->traffic_class = (uint8_t)record_get_number(cursor, 1);
	const uint64_t switches = record_get_number(cursor, 1);
	datagram->dont_fragment = (switches & 1) != 0;
	datagram->n = (size_t)record_get_number(cursor, 4);
	datagram->data = (switches & 2) != 0 ? record_get(cursor, datagram->n) : NULL;
}

/* What stands where a packet says of its transport checksum. */
enum { SUM_OFFLOADED = 1, SUM_PLACED = 2 /* where it is to be completed follows behind the lengths */ };

static void put_packet(struct record_buffer *buffer, const tern_packet *packet)
{
	const bool placed = packet->checksum_offload && packet->csum_start > 0;

	record_put_number(buffer, packet->id, 8);
	record_put_number(buffer, packet->mark, 8);
	record_put_number(buffer, packet->link, 1);
	record_put_number(buffer, (packet->checksum_offload ? SUM_OFFLOADED : 0) | (placed ? SUM_PLACED : 0), 1);
	record_put_number(buffer, packet->gso_size, 2);
	record_put_number(buffer, packet->gso_headers, 2);
	record_put_number(buffer, packet->len, 4);
	if (placed) {
		record_put_number(buffer, packet->csum_start, 2);
		record_put_number(buffer, packet->csum_offset, 2);
	}
	for (unsigned i = 0; i < packet->n_parts; i++)
		record_put(buffer, packet->part[i].at, packet->part[i].n);
}

bool record_get_packet(struct record_cursor *cursor, tern_packet *packet)
{
	*packet = (tern_packet){ .id = record_get_number(cursor, 8) };
	packet->mark = record_get_number(cursor, 8);
	packet->link = (uint8_t)record_get_number(cursor, 1);
	const uint64_t sum = record_get_number(cursor, 1);
	packet->checksum_offload = sum != 0;
	packet->gso_size = (uint16_t)record_get_number(cursor, 2);
	packet->gso_headers = (uint16_t)record_get_number(cursor, 2);
	packet->len = (uint32_t)record_get_number(cursor, 4);
	if ((sum & SUM_PLACED) != 0) {
		packet->csum_start = (uint16_t)record_get_number(cursor, 2);
		packet->csum_offset = (uint16_t)record_get_number(cursor, 2);
	}
	packet->part[0].at = record_get(cursor, packet->len);
	packet->part[0].n = packet->len;
	packet->n_parts = 1;
	return !cursor->bad;
}

/* ---- calls ---- */

static void put_data(struct record_buffer *buffer, const struct tern_record_call *call)
{
	const struct tern_link_config *link;
	switch (call->op) {
	case TERN_RECORD_ADD_LINK:
		link = call->data;
		record_put_number(buffer, link->mtu, 4);
		record_put_number(buffer,
				  (unsigned)link->checksum_offload | (unsigned)link->gso << 1 |
					  (unsigned)link->ethernet << 2 | (unsigned)link->proxy_any << 3 |
					  (unsigned)(link->zone != 0) << 4,
				  1);
		if (link->ethernet)
			record_put(buffer, link->mac, sizeof link->mac);
		if (link->zone != 0)
			record_put_number(buffer, link->zone, 4);
		return;
	case TERN_RECORD_ADD_ADDRESS:
	case TERN_RECORD_REMOVE_ADDRESS:
	case TERN_RECORD_DATAGRAM_JOIN:
	case TERN_RECORD_DATAGRAM_LEAVE:
		put_addr(buffer, call->data);
		return;
	case TERN_RECORD_SET_NEIGHBOUR:
		put_addr(buffer, call->data);
		record_put(buffer, call->more, 6);
		return;
	case TERN_RECORD_DATAGRAM_OPEN:
		put_datagram_open(buffer, call->data);
		return;
	case TERN_RECORD_DATAGRAM_SEND:
	case TERN_RECORD_DATAGRAM_REPORT:
		put_datagram(buffer, call->data);
		return;
	case TERN_RECORD_ADD_ROUTE:
		put_addr(buffer, call->data);
		record_put_number(buffer, call->more != NULL, 1);
		if (call->more != NULL)
			put_addr(buffer, call->more);
		return;
	case TERN_RECORD_INPUT:
	case TERN_RECORD_OUTPUT_MADE:
		record_put_number(buffer, call->n, 4);
		for (size_t i = 0; i < call->n; i++)
			put_packet(buffer, ((tern_packet *const *)call->data)[i]);
		return;
	case TERN_RECORD_CONNECT:
		put_endpoint(buffer, &((const struct tern_open *)call->data)->remote);
		put_endpoint(buffer, &((const struct tern_open *)call->data)->local);
		record_put_number(buffer, ((const struct tern_open *)call->data)->cookie, 8);
		return;
	case TERN_RECORD_LISTEN:
		put_listen(buffer, call->data);
		return;
	case TERN_RECORD_LISTENER_CONNECT:
		put_endpoint(buffer, call->data);
		return;
	case TERN_RECORD_SEND:
	case TERN_RECORD_SEND_OWNED:
	case TERN_RECORD_SET_CONGESTION:
	case TERN_RECORD_UNPACK:
		record_put(buffer, call->data, call->n);
		return;
	default:
		return;
	}
}

void record_put_call(struct record_buffer *buffer, unsigned host, const struct tern_record_call *call)
{
	const unsigned has = fields[(unsigned)call->op & 255];
	record_put_number(buffer, call->op, 1);
	record_put_number(buffer, host, 1);
	if (has & SOCKET) {
		record_put_number(buffer, call->socket.index, 4);
		record_put_number(buffer, call->socket.generation, 4);
	}
	if (has & NOW)
		record_put_number(buffer, (uint64_t)call->now, 8);
	if (has & A)
		record_put_number(buffer, (uint64_t)call->a, 8);
	if (has & B)
		record_put_number(buffer, (uint64_t)call->b, 8);
	put_data(buffer, call);
}

static void get_link(struct record_cursor *cursor, struct tern_link_config *link)
{
	link->mtu = (uint32_t)record_get_number(cursor, 4);
	const uint64_t switches = record_get_number(cursor, 1);
	link->checksum_offload = (switches & 1) != 0;
	link->gso = (switches & 2) != 0;
	link->ethernet = (switches & 4) != 0;
	link->proxy_any = (switches & 8) != 0;
	memset(link->mac, 0, sizeof link->mac);
	const uint8_t *const mac = link->ethernet ? record_get(cursor, sizeof link->mac) : NULL;
	if (mac)
		memcpy(link->mac, mac, sizeof link->mac);
	link->zone = (switches & 16) != 0 ? (uint32_t)record_get_number(cursor, 4) : 0;
}

static void get_data(struct record_call *record)
{
	struct record_cursor *const rest = &record->rest;
	struct tern_record_call *const call = &record->call;
	call->data = &record->u;
	switch (call->op) {
	case TERN_RECORD_ADD_LINK:
		get_link(rest, &record->u.link);
		return;
	case TERN_RECORD_ADD_ADDRESS:
	case TERN_RECORD_REMOVE_ADDRESS:
	case TERN_RECORD_DATAGRAM_JOIN:
	case TERN_RECORD_DATAGRAM_LEAVE:
		get_addr(rest, &record->u.addr[0]);
		return;
	case TERN_RECORD_SET_NEIGHBOUR:
		get_addr(rest, &record->u.addr[0]);
		call->more = record_get(rest, 6);
		return;
	case TERN_RECORD_DATAGRAM_OPEN:
		get_datagram_open(rest, &record->u.datagram_open);
		return;
	case TERN_RECORD_DATAGRAM_SEND:
	case TERN_RECORD_DATAGRAM_REPORT:
		get_datagram(rest, &record->u.datagram);
		return;
	case TERN_RECORD_ADD_ROUTE:
		get_addr(rest, &record->u.addr[0]);
		if (record_get_number(rest, 1) != 0) {
			get_addr(rest, &record->u.addr[1]);
			call->more = &record->u.addr[1];
		}
		return;
	case TERN_RECORD_INPUT:
	case TERN_RECORD_OUTPUT_MADE:
		call->n = (size_t)record_get_number(rest, 4);
		return;
	case TERN_RECORD_CONNECT:
		get_endpoint(rest, &record->u.open.remote);
		get_endpoint(rest, &record->u.open.local);
		record->u.open.cookie = record_get_number(rest, 8);
		return;
	case TERN_RECORD_LISTEN:
		get_listen(rest, &record->u.listen);
		return;
	case TERN_RECORD_LISTENER_CONNECT:
		get_endpoint(rest, &record->u.endpoint);
		return;
	default: /* the octets that are left, if any */
		call->data = rest->p;
		call->n = (size_t)(rest->end - rest->p);
		return;
	}
}

bool record_get_call(struct record_call *record, const uint8_t *body, size_t n)
{
	*record = (struct record_call){ .rest = { .p = body, .end = body + n } };
	struct record_cursor *const rest = &record->rest;
	struct tern_record_call *const call = &record->call;
	record->kind = (unsigned)record_get_number(rest, 1);
	record->host = (unsigned)record_get_number(rest, 1);
	const unsigned has = fields[record->kind];
	if (rest->bad || !(has & KNOWN))
		return false;
	if (has & SOCKET) {
		call->socket.index = (uint32_t)record_get_number(rest, 4);
		call->socket.generation = (uint32_t)record_get_number(rest, 4);
	}
	if (has & NOW)
		call->now = (tern_time)record_get_number(rest, 8);
	if (has & A)
		call->a = (int64_t)record_get_number(rest, 8);
	if (has & B)
		call->b = (int64_t)record_get_number(rest, 8);
	if (record->kind < RECORD_CREATE) {
		call->op = (enum tern_record_op)record->kind;
		get_data(record);
	}
	return !rest->bad;
}
