/* tern/config.h - what a host is configured with. Types only. Zero means the default that each
 * field names; tern_config_default() fills them in. Times are nanoseconds, sizes bytes.
 */
#ifndef TERN_CONFIG_H
#define TERN_CONFIG_H

#include <tern/congestion.h>
#include <tern/types.h>
#include <tern/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Explicit congestion notification (RFC 3168, 9768), as Linux's tcp_ecn. */
enum tern_ecn {
	TERN_ECN_OFF,
	TERN_ECN_ON,	   /* offered and accepted, classic (RFC 3168) */
	TERN_ECN_ACCEPT,   /* accepted where the peer offers it, not offered */
	TERN_ECN_ACCURATE, /* accurate feedback (RFC 9768) offered and accepted, else classic */
};

/* In which order our SYNs write their options: who looks at SYNs closely tells stacks apart by it. */
enum tern_syn_options {
	TERN_SYN_OPTIONS_LINUX,	  /* MSS, SACK-permitted, timestamps, NOP, window scale */
	TERN_SYN_OPTIONS_FREEBSD, /* MSS, NOP, window scale, SACK-permitted, timestamps; zeros at the end */
};

/* Takes text as it comes, past the receive store: for a program that hands it on at once, as a relay does to a
 * socket of the system, without a copy between. The calls of RECEIVE (tern/socket.h) stay for the rest. */
struct tern_taker {
	/* n octets at RCV.NXT of the connection with this cookie (tern_set_cookie(); 0 until then). Returns how many
	 * of them, from the front, are taken; more than n counts as n. Those are acknowledged, and have been read as
	 * far as window (RFC 9293 3.8.6) and autotuning go. What is not taken is stored and told by TERN_READABLE, so
	 * 0 is always a right answer, and nothing is acknowledged that is neither taken nor stored.
	 *
	 * Asked within tern_host_input() (tern_host_output(), where the host talks to itself), only while nothing
	 * of the connection is stored: neither text that waits to be read nor any beyond a gap, so the octets follow
	 * on what was taken or read before. Not asked: before tern_accept(), after tern_shutdown_receive(), while
	 * urgent data is ahead (RFC 6093), and on a host with a recorder, whose runs must not hang on an answer that
	 * no recording holds. The end of the stream, resets and errors are told as ever.
	 *
	 * text is valid until it returns. It must not call the host. */
	size_t (*take)(void *context, uint64_t cookie, const uint8_t *text, size_t n);
	void *context;
};

enum { TERN_SHARE_MOST = 64 };

/* A host that has its addresses in common with others (tern/hosts.h fills this in): which of them a connection or
 * an unconnected port belongs to follows from the key, the same for all of them. Such a host chooses ports that
 * are its own, and refuses (-TERN_EADDRNOTAVAIL) to connect from a given one that is not. */
struct tern_share {
	uint64_t key[2];
	uint16_t n;	/* how many; 0 and 1: the host is alone. At most TERN_SHARE_MOST */
	uint16_t index; /* this one's number, below n */
	uint16_t port_low, port_high; /* the host copies its own here */
	/* Fragments meet in one host; what they make up, if it is another's, is handed to this: the IP packet, which
	 * came by that link. It must not call the host. NULL: dropped. */
	void (*pass)(void *context, unsigned to, uint8_t link, const uint8_t *packet, uint32_t n);
	void *context;
};

struct tern_config {
	/* 32 random bytes: ISNs, ports, cookies, table and timestamp offsets hang on them. Same secret and
	 * same inputs: same bytes out. */
	uint8_t secret[32];

	struct tern_allocator allocator;
	struct tern_watcher   watcher;
	struct tern_taker     taker; /* take NULL: none, all text is stored and read */

	size_t memory_limit;   /* 256 MiB */
	size_t memory_reserve; /* 0: 1/64 of the limit, whatever that is; for text at RCV.NXT */

	/* Times that RFC 9293 leaves to us. */
	tern_time msl;		      /* 30 s: departure from RFC 9293 3.4.2 (2 minutes), as Linux */
	tern_time rto_initial;	      /* 1 s (RFC 6298 2.1) */
	tern_time rto_min;	      /* 200 ms: departure from RFC 6298 2.4 (1 s), as Linux */
	tern_time rto_max;	      /* 120 s (RFC 6298 2.5 asks for at least 60 s) */
	tern_time delayed_ack;	      /* 40 ms (MUST-40: below 500 ms) */
	tern_time r2;		      /* 924 s: give up data after (SHLD-11: at least 100 s), as Linux's 15 */
	tern_time r2_syn;	      /* 180 s: give up a SYN after (MUST-23) */
	uint8_t	  r1;		      /* 3 retransmissions: negative advice (SHLD-10) */
	uint8_t	  syn_ack_retries;    /* 3, at most 31: departure from MUST-23 for unproved peers (amplification) */
	tern_time orphan_timeout;     /* 60 s: departure; FIN-WAIT-2 and the like once nobody holds them */
	tern_time keepalive_idle;     /* 2 h (MUST-28) */
	tern_time keepalive_interval; /* 75 s */
	uint8_t	  keepalive_probes;   /* 9 */
	tern_time accept_wait;	      /* 120 s: accept-any listeners that wait for a decision */
	tern_time reassembly_timeout; /* 30 s: IP fragments (RFC 791; RFC 8200 4.5 has 60 s) */

	/* Sizes. */
	uint32_t receive_buffer;     /* 256 KiB to start with */
	/* Autotuning's ends: 128 MiB, which 10 Gbit/s over 100 ms want, or half of memory_limit if that is less. A
	 * buffer grows with what is taken of it, or what the congestion window lets out, in a round trip. */
	uint32_t receive_buffer_max;
	uint32_t send_buffer_max;
	uint16_t mss_floor;	     /* 64: a smaller MSS of a peer counts as this */
	uint8_t	 initial_window;     /* 10 segments (RFC 6928) */
	uint8_t	 dup_ack_threshold;  /* 3 */
	uint8_t	 mtu_probing;	     /* 1: path MTU by probes (RFC 4821) once large segments vanish; 2: always */
	uint8_t	 challenge_acks;     /* 5 in each second, per connection (RFC 5961 7) */
	uint8_t	 ttl;		     /* 64 */

	/* Tables. */
	uint32_t connections_max; /* 2^30 - 1 */
	uint32_t half_open_max;	  /* 16384 entries over all listeners */
	uint32_t time_wait_max;	  /* as the memory allows; at most this many */
	uint32_t packets;	  /* 512: output packets in flight between host and links */
	uint16_t port_low, port_high; /* 32768-60999: ephemeral ports (RFC 6056) */

	/* By name: "reno" (RFC 5681), "cubic" (RFC 9438), "bbr" (BBRv3, draft-ietf-ccwg-bbr-06); "dctcp" (RFC 8257)
	 * and "prague" (RFC 9331) where the network is made for them; or one of the program's own. What a connection
	 * begins with; tern_set_congestion_control() changes it. */
	const char *congestion_control; /* "cubic" */
	/* What connections begin with (TERN_ECN); 0: TERN_ECN_ACCEPT. no_ecn: TERN_ECN_OFF. A controller that
	 * wants every mark (tern_cc_ops.ecn) makes it TERN_ECN_ACCURATE, unless it is off. */
	uint8_t ecn; /* enum tern_ecn */
	bool	no_ecn;
	/* Controllers that the program brings (tern/congestion.h): looked up after the built-in ones, whose
	 * names they cannot take. The array and what it points to must outlive the host. */
	const struct tern_cc_ops *const *controllers;
	uint8_t n_controllers; /* 0; at most TERN_CC_OWN */

	uint8_t syn_options; /* enum tern_syn_options */

	struct tern_share share;

	bool sack_counting; /* losses by RFC 6675's counting, not by RACK-TLP (RFC 8985) */

	/* Switches: what is off. */
	bool no_timestamps, no_window_scale, no_sack, no_syn_cookies, no_path_mtu_discovery, no_delayed_ack,
	     no_mtu_probing, /* never (mtu_probing says when) */
	     no_dsack,	     /* duplicates are not reported (RFC 2883) */
	     no_tlp,	     /* no tail loss probes (RFC 8985 7) */
	     no_frto,	     /* no F-RTO (RFC 5682) */
	     no_receive_tuning; /* receive_buffer stays as it begins (net.ipv4.tcp_moderate_rcvbuf) */
	bool forwarding_any; /* accept packets to any destination (accept-any listeners, gateways) */
};

void tern_config_default(struct tern_config *config);

#ifdef __cplusplus
}
#endif

#endif
