/* TCP on the wire: RFC 9293 3.1, options of 3.2, RFC 7323 (window scale, timestamps), RFC 2018 (SACK). */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include "base/seq.h"
#include <tern/config.h>
#include <tern/types.h>

enum {
	TCP_HEADER_MIN	= 20,
	TCP_OPTIONS_MAX = 40,
	TCP_HEADER_MAX	= 60,
	TCP_FLAGS	= 0x1ff, /* AE and the eight of RFC 9293 3.1 */
	TCP_WSCALE_MAX	= 14,	 /* RFC 7323 2.3 */
	TCP_SACK_BLOCKS = 4,
	TCP_ACCECN_FIELDS = 3,
	TCP_TIMESTAMPS_ALIGNED = 12, /* octets: NOP, NOP, timestamps, as RFC 7323 A lays them out */
	TCP_TIMESTAMPS_HEAD = 0x0101080a,
};

/* The flags by the names that code reads best; values as tern_tcp_flag. */
enum {
	TCP_FIN = TERN_FIN,
	TCP_SYN = TERN_SYN,
	TCP_RST = TERN_RST,
	TCP_PSH = TERN_PSH,
	TCP_ACK = TERN_ACK,
	TCP_URG = TERN_URG,
	TCP_ECE = TERN_ECE,
	TCP_CWR = TERN_CWR,
	TCP_AE	= TERN_AE,
};

struct tcp_sack_block {
	seq_t left, right; /* [left, right) */
};

struct tcp_options {
	bool	 has_mss : 1;
	bool	 has_wscale : 1;
	bool	 has_ts : 1;
	bool	 sack_permitted : 1;
	bool	 malformed : 1; /* parsing stopped at an illegal length (MUST-7); what came before counts */
	bool	 wscale_clamped : 1; /* a shift above 14 was taken as 14 (RFC 7323 2.3) */
	bool	 accecn_1 : 1;	     /* the order of AccECN1 */
	uint8_t	 syn_order; /* of what a SYN carries, to be written: enum tern_syn_options */
	uint8_t	 wscale;
	uint8_t	 n_sack;
	uint8_t	 n_accecn; /* fields of an AccECN option; 0: none */
	uint16_t mss;
	uint32_t ts_val, ts_ecr;
	struct tcp_sack_block sack[TCP_SACK_BLOCKS];
	/* AccECN (RFC 9768 3.2.3), 24 bits each: EE0B, ECEB, EE1B; accecn_1: EE1B, ECEB, EE0B. */
	uint32_t accecn[TCP_ACCECN_FIELDS];
};

/* One segment. seq, ack, lengths as on the wire; wnd unscaled. text aliases the packet. */
struct tcp_segment {
	seq_t		   seq, ack;
	uint16_t	   src_port, dst_port;
	uint16_t	   flags;
	uint16_t	   wnd, up;
	struct tcp_options opt;
	const uint8_t	  *text;
	uint32_t	   text_len;
};

/* Reads the header at p[0..len). seg->text aliases p. False: malformed; the caller drops and counts.
 * The checksum is checked apart. An option whose length is below two or beyond the header sets
 * opt.malformed, never false. A known option of another length than its own is skipped, as an
 * unknown one is; MSS, window scale and SACK-permitted count on a SYN only; the last of a repeated
 * option counts. The urgent pointer is as it came and may lie beyond the text. */
bool tcp_wire_parse(struct tcp_segment *seg, const uint8_t *p, size_t len);

/* Writes the header (checksum field 0) at p, which has room for TCP_HEADER_MAX; returns its length,
 * a multiple of four; padding is zero (MUST-69). On a SYN MSS, SACK-permitted,
 * timestamps, window scale as Linux writes them, or in opt.syn_order; else timestamps, SACK, AccECN, aligned with NOPs.
 * SACK blocks that do not fit are left out; then fields of AccECN, from the last on. */
size_t tcp_wire_emit(uint8_t *p, const struct tcp_segment *seg);

/* How long that header would be. */
size_t tcp_wire_header_len(const struct tcp_segment *seg);

/* SEG.LEN: octets of text plus SYN and FIN (RFC 9293 3.3.1). */
static inline uint32_t tcp_seg_len(const struct tcp_segment *seg)
{
	return seg->text_len + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
}

#endif
