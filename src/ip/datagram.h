/* The records of reassembly: datagrams on their lists, their fragments, the accounts of their sources and
 * the memory all of it takes. The rules stand in ip/reassembly.c, the theory too. */
#ifndef IP_DATAGRAM_H
#define IP_DATAGRAM_H

#include "ip/reassembly.h"

enum {
	DATAGRAM_CHAINS = 1024,
	DATAGRAM_ACCOUNTS = 128,
	DATAGRAM_SHARE_FLOOR = 96 << 10, /* so that one datagram of 64 KiB and its bookkeeping fit a share */
};

struct ip_piece {
	struct ip_piece *next;	 /* by offset */
	uint32_t	 header; /* bytes of header before the text: of the first fragment; else 0 */
	uint32_t	 offset, len;
	uint8_t		 bytes[];
};

struct ip_datagram {
	struct tern_addr    src, dst;
	uint32_t	    zone, id;
	uint8_t		    version, protocol; /* protocol: 0 for IPv6 */
	bool		    discarded, has_end;
	uint8_t		    ecn_seen; /* bit n: codepoint n came */
	uint8_t		    n_pieces;
	uint16_t	    chain_at, account_at;
	uint32_t	    end;  /* has_end: of the whole payload; else the highest that came */
	uint32_t	    held; /* bytes of payload */
	uint32_t	    next_at, unfragmentable; /* IPv6: as in struct ip_header, of the first fragment */
	size_t		    charged;		     /* bytes taken from mem, the record itself counted */
	tern_time	    until;
	struct ip_piece	   *first, *last;
	struct ip_datagram *chain;
	struct ip_datagram *older, *newer;		   /* of all */
	struct ip_datagram *account_older, *account_newer; /* of its source's account */
};

struct ip_account {
	struct ip_datagram *oldest, *newest;
	size_t		    charged;
	uint32_t	    n;
};

struct ip_reassembly_tables {
	struct ip_datagram *chain[DATAGRAM_CHAINS];
	struct ip_account   account[DATAGRAM_ACCOUNTS];
};

/* On the room's books; NULL: no memory. The caller has made room. */
void *datagram_take(struct ip_reassembly *r, size_t size);
void  datagram_give(struct ip_reassembly *r, void *block, size_t size); /* NULL is let pass */

/* What the last call handed out goes back. */
void datagram_settle(struct ip_reassembly *r);
/* False: no memory for the tables. */
bool datagram_tables(struct ip_reassembly *r);

/* The datagram that the fragment belongs to; NULL: there is none yet. */
struct ip_datagram *datagram_find(const struct ip_reassembly *r, const struct ip_header *ip, uint32_t zone);
/* A new one, as yet empty; NULL: no memory. */
struct ip_datagram *datagram_make(struct ip_reassembly *r, const struct ip_header *ip, uint32_t zone,
				  tern_time now);
/* Adds the fragment behind `before` (NULL: in front). False: no memory; nothing has changed. */
bool datagram_insert(struct ip_reassembly *r, struct ip_datagram *d, const struct ip_header *ip,
		     struct ip_piece *before);

/* Pushes out old datagrams, never `spared`, until there is room for `bytes` and `records` more. */
bool datagram_make_room(struct ip_reassembly *r, size_t bytes, uint32_t records,
			const struct ip_datagram *spared);

void datagram_empty(struct ip_reassembly *r, struct ip_datagram *d); /* of its fragments */
void datagram_unlink(struct ip_reassembly *r, struct ip_datagram *d); /* off every list, whole */
void datagram_remove(struct ip_reassembly *r, struct ip_datagram *d);

#endif
