/* STATUS as TCP_INFO. */
#include "sockets/info.h"
#include "sockets/internal.h"

#include <string.h>

static uint8_t linux_state(enum tern_state state)
{
	static const uint8_t states[] = {
		[TERN_STATE_CLOSED] = LINUX_TCP_CLOSE,
		[TERN_STATE_LISTEN] = LINUX_TCP_LISTEN,
		[TERN_STATE_SYN_SENT] = 2,
		[TERN_STATE_SYN_RECEIVED] = 3,
		[TERN_STATE_ESTABLISHED] = 1,
		[TERN_STATE_FIN_WAIT_1] = 4,
		[TERN_STATE_FIN_WAIT_2] = 5,
		[TERN_STATE_CLOSE_WAIT] = 8,
		[TERN_STATE_CLOSING] = 11,
		[TERN_STATE_LAST_ACK] = 9,
		[TERN_STATE_TIME_WAIT] = 6,
	};

	return states[state];
}

static uint32_t segments(const struct tern_status *status, uint64_t octets)
{
	return status->snd_mss ? (uint32_t)((octets + status->snd_mss - 1) / status->snd_mss) : 0;
}

static uint8_t byte_of(uint32_t n)
{
	return (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX);
}

static uint32_t us_of(tern_time time)
{
	const tern_time us = time / TERN_MICROSECOND;

	return (uint32_t)(us < UINT32_MAX ? us : UINT32_MAX);
}

static void fill(struct linux_tcp_info *info, const struct tern_status *s)
{
	*info = (struct linux_tcp_info){
		.tcpi_state = linux_state(s->state),
		.tcpi_ca_state = (uint8_t)s->recovery, /* both are in order of gravity, and number alike */
		.tcpi_retransmits = byte_of(s->retransmits),
		.tcpi_probes = byte_of(s->probes),
		.tcpi_backoff = byte_of(s->retransmits),
		.tcpi_options = (uint8_t)(s->ts_ok | s->sack_ok << 1 | s->wscale_ok << 2 | s->ecn_ok << 3),
		.tcpi_snd_wscale = (uint8_t)(s->snd_wscale & 15),
		.tcpi_rcv_wscale = (uint8_t)(s->rcv_wscale & 15),
		.tcpi_rto = us_of(s->rto),
		.tcpi_snd_mss = s->snd_mss,
		.tcpi_rcv_mss = s->rcv_mss,
		.tcpi_unacked = segments(s, s->unacked),
		.tcpi_pmtu = s->pmtu,
		.tcpi_rcv_ssthresh = s->rcv_wnd,
		.tcpi_rtt = us_of(s->srtt),
		.tcpi_rttvar = us_of(s->rttvar),
		.tcpi_snd_ssthresh = s->ssthresh >= LINUX_INFINITE_SSTHRESH ? LINUX_INFINITE_SSTHRESH
									    : segments(s, s->ssthresh),
		.tcpi_snd_cwnd = s->snd_mss ? s->cwnd / s->snd_mss : 0,
		.tcpi_advmss = s->rcv_mss,
		.tcpi_reordering = s->reordering,
		.tcpi_rcv_space = s->rcv_wnd,
		.tcpi_total_retrans = s->retransmits_total,
		.tcpi_pacing_rate = s->pacing_rate,
		.tcpi_max_pacing_rate = UINT64_MAX,
		.tcpi_bytes_acked = s->bytes_acked,
		.tcpi_bytes_received = s->bytes_received,
		.tcpi_segs_out = s->segments_out,
		.tcpi_segs_in = s->segments_in,
		.tcpi_notsent_bytes = s->unsent,
		.tcpi_min_rtt = us_of(s->min_rtt),
		.tcpi_delivery_rate = s->delivery_rate,
		.tcpi_delivery_rate_app_limited = s->delivery_rate_app_limited,
		.tcpi_busy_time = (uint64_t)(s->busy_time / TERN_MICROSECOND),
		.tcpi_rwnd_limited = (uint64_t)(s->rwnd_limited / TERN_MICROSECOND),
		.tcpi_sndbuf_limited = (uint64_t)(s->sndbuf_limited / TERN_MICROSECOND),
		.tcpi_delivered_ce = s->delivered_ce,
		.tcpi_bytes_sent = s->bytes_sent + s->bytes_retransmitted, /* Linux counts each time */
		.tcpi_bytes_retrans = s->bytes_retransmitted,
		.tcpi_dsack_dups = s->retransmits_spurious,
		.tcpi_snd_wnd = s->snd_wnd,
		.tcpi_rcv_wnd = s->rcv_wnd,
	};
}

void info_get(const struct sockets *sockets, const struct sockets_file *file, void *to, socklen_t *n)
{
	struct linux_tcp_info info = { .tcpi_state = LINUX_TCP_CLOSE };
	struct tern_status    status;

	if (file->kind == FILE_LISTENS)
		info.tcpi_state = LINUX_TCP_LISTEN;
	else if (file_has_handle(file) && tern_status(sockets->host, file->handle, &status) == 0)
		fill(&info, &status);
	*n = *n < sizeof info ? *n : (socklen_t)sizeof info;
	memcpy(to, &info, *n);
}
