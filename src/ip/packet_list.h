/* Packets in a row, first in first out, through their own link. */
#ifndef IP_PACKET_LIST_H
#define IP_PACKET_LIST_H

#include <tern/packet.h>

struct packet_list {
	struct tern_packet *first, *last;
};

static inline void packet_push(struct packet_list *list, struct tern_packet *packet)
{
	packet->next = NULL;
	if (list->last)
		list->last->next = packet;
	else
		list->first = packet;
	list->last = packet;
}

/* NULL: empty. */
static inline struct tern_packet *packet_pop(struct packet_list *list)
{
	struct tern_packet *const packet = list->first;

	if (packet) {
		list->first = packet->next;
		if (!list->first)
			list->last = NULL;
		packet->next = NULL;
	}
	return packet;
}

#endif
