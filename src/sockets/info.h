/* struct tcp_info as Linux lays it out (include/uapi/linux/tcp.h, as of 6.12): what getsockopt(TCP_INFO) fills. Field
 * after field as there; times in microseconds (those that begin with last: milliseconds), windows in segments.
 */
#ifndef SOCKETS_INFO_H
#define SOCKETS_INFO_H

#include <stddef.h>
#include <stdint.h>

struct linux_tcp_info {
	uint8_t	 tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
	uint8_t	 tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
	uint8_t	 tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
	uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
	uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
	uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
	uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd,
		tcpi_advmss;
	uint32_t tcpi_reordering, tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
	uint64_t tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
	uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in,
		tcpi_data_segs_out;
	uint64_t tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
	uint32_t tcpi_delivered, tcpi_delivered_ce;
	uint64_t tcpi_bytes_sent, tcpi_bytes_retrans;
	uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd, tcpi_rehash;
	uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
	uint32_t tcpi_total_rto_time;
};

_Static_assert(offsetof(struct linux_tcp_info, tcpi_rto) == 8 &&
		       offsetof(struct linux_tcp_info, tcpi_pacing_rate) == 104 &&
		       offsetof(struct linux_tcp_info, tcpi_delivery_rate) == 160 &&
		       offsetof(struct linux_tcp_info, tcpi_bytes_sent) == 200 &&
		       sizeof(struct linux_tcp_info) == 248,
	       "as Linux has it");

enum { LINUX_TCP_CLOSE = 7, LINUX_TCP_LISTEN = 10, LINUX_INFINITE_SSTHRESH = 0x7fffffff };

#endif
