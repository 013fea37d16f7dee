/* Packets that are meant to cost: one maker for each kind, for what measures them (attacks/hostile_cost.c). */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include "support/foe.h"

struct hostile_kind {
	const char *name;
	bool	    v6, ethernet;
	void (*begin)(void); /* brings the host to where the packets hurt; NULL: as it is */
	/* Packet number i, written at p (room for FOE_PACKET); its length. */
	size_t (*make)(uint32_t i, uint8_t *p);
	void (*after)(void); /* what the program does meanwhile; NULL: nothing */
};

/* The first is no attack: text in order, 1,460 octets, what all others are compared with. */
extern const struct hostile_kind hostile_kinds[];
extern const unsigned		 hostile_n;

/* The host that they are for; hostile_open() makes it for a kind, hostile_close() takes it down. */
extern struct foe hostile_foe;
void		  hostile_open(const struct hostile_kind *kind);
void		  hostile_close(void);

#endif
