#include "script/code.h"

#include <stddef.h>
#include <string.h>

/* The fields of TCP_INFO that are whole; and those that are bits. */
static const struct field {
	const char *name;
	size_t	    at, size;
} info_fields[] = {
#define FIELD(name) { #name, offsetof(struct linux_tcp_info, name), sizeof((struct linux_tcp_info *)NULL)->name }
	FIELD(tcpi_state), FIELD(tcpi_ca_state), FIELD(tcpi_retransmits), FIELD(tcpi_probes),
	FIELD(tcpi_backoff), FIELD(tcpi_options), FIELD(tcpi_rto), FIELD(tcpi_ato), FIELD(tcpi_snd_mss),
	FIELD(tcpi_rcv_mss), FIELD(tcpi_unacked), FIELD(tcpi_sacked), FIELD(tcpi_lost),
	FIELD(tcpi_retrans), FIELD(tcpi_fackets), FIELD(tcpi_last_data_sent), FIELD(tcpi_last_ack_sent),
	FIELD(tcpi_last_data_recv), FIELD(tcpi_last_ack_recv), FIELD(tcpi_pmtu), FIELD(tcpi_rcv_ssthresh),
	FIELD(tcpi_rtt), FIELD(tcpi_rttvar), FIELD(tcpi_snd_ssthresh), FIELD(tcpi_snd_cwnd),
	FIELD(tcpi_advmss), FIELD(tcpi_reordering), FIELD(tcpi_rcv_rtt), FIELD(tcpi_rcv_space),
	FIELD(tcpi_total_retrans), FIELD(tcpi_pacing_rate), FIELD(tcpi_max_pacing_rate),
	FIELD(tcpi_bytes_acked), FIELD(tcpi_bytes_received), FIELD(tcpi_segs_out), FIELD(tcpi_segs_in),
	FIELD(tcpi_notsent_bytes), FIELD(tcpi_min_rtt), FIELD(tcpi_data_segs_in),
	FIELD(tcpi_data_segs_out), FIELD(tcpi_delivery_rate), FIELD(tcpi_busy_time),
	FIELD(tcpi_rwnd_limited), FIELD(tcpi_sndbuf_limited), FIELD(tcpi_delivered),
	FIELD(tcpi_delivered_ce), FIELD(tcpi_bytes_sent), FIELD(tcpi_bytes_retrans),
	FIELD(tcpi_dsack_dups), FIELD(tcpi_reord_seen), FIELD(tcpi_rcv_ooopack), FIELD(tcpi_snd_wnd),
	FIELD(tcpi_rcv_wnd), FIELD(tcpi_rehash), FIELD(tcpi_total_rto), FIELD(tcpi_total_rto_recoveries),
	FIELD(tcpi_total_rto_time),
#undef FIELD
};

static bool info(struct code *code, const char *name, double *value)
{
	const struct linux_tcp_info *const i = &code->info;
	const struct {
		const char *name;
		double	    value;
	} bits[] = {
		{ "tcpi_snd_wscale", i->tcpi_snd_wscale },
		{ "tcpi_rcv_wscale", i->tcpi_rcv_wscale },
		{ "tcpi_delivery_rate_app_limited", i->tcpi_delivery_rate_app_limited },
		{ "tcpi_fastopen_client_fail", i->tcpi_fastopen_client_fail },
	};

	for (size_t at = 0; code->has_info && at < sizeof bits / sizeof *bits; at++)
		if (strcmp(bits[at].name, name) == 0) {
			*value = bits[at].value;
			return true;
		}
	for (size_t at = 0; code->has_info && at < sizeof info_fields / sizeof *info_fields; at++) {
		const char *const from = (const char *)i + info_fields[at].at;

		if (strcmp(info_fields[at].name, name) != 0)
			continue;
		switch (info_fields[at].size) {
		case 1: *value = *(const uint8_t *)from; return true;
		case 2: *value = *(const uint16_t *)(const void *)from; return true;
		case 4: *value = *(const uint32_t *)(const void *)from; return true;
		default: *value = (double)*(const uint64_t *)(const void *)from; return true;
		}
	}
	return false;
}

/* In octets, which TCP_INFO has not. */
static bool own_info(struct code *code, const char *name, double *value)
{
	const struct tern_status *const s = &code->status;
	const struct {
		const char *name;
		double	    value;
	} fields[] = {
		{ "tern_cwnd", s->cwnd },	  { "tern_ssthresh", s->ssthresh },
		{ "tern_in_flight", s->in_flight }, { "tern_unacked", s->unacked },
		{ "tern_unread", s->unread },	  { "tern_spurious", s->retransmits_spurious },
	};

	for (size_t i = 0; code->has_status && i < sizeof fields / sizeof *fields; i++)
		if (strcmp(fields[i].name, name) == 0) {
			*value = fields[i].value;
			return true;
		}
	return false;
}

static bool constant(const char *name, double *value)
{
	static const char *const states[] = {
		"",
		"TCP_ESTABLISHED",
		"TCP_SYN_SENT",
		"TCP_SYN_RECV",
		"TCP_FIN_WAIT1",
		"TCP_FIN_WAIT2",
		"TCP_TIME_WAIT",
		"TCP_CLOSE",
		"TCP_CLOSE_WAIT",
		"TCP_LAST_ACK",
		"TCP_LISTEN",
		"TCP_CLOSING",
	};
	static const struct {
		const char *name;
		double	    value;
	} others[] = {
		{ "True", 1 },
		{ "False", 0 },
		{ "None", 0 },
		{ "TCP_CA_Open", TERN_RECOVERY_OPEN },
		{ "TCP_CA_Disorder", TERN_RECOVERY_DISORDER },
		{ "TCP_CA_CWR", TERN_RECOVERY_CWR },
		{ "TCP_CA_Recovery", TERN_RECOVERY_FAST },
		{ "TCP_CA_Loss", TERN_RECOVERY_LOSS },
		{ "TCP_INFINITE_SSTHRESH", 0x7fffffff },
		{ "TCPI_OPT_TIMESTAMPS", 1 },
		{ "TCPI_OPT_SACK", 2 },
		{ "TCPI_OPT_WSCALE", 4 },
		{ "TCPI_OPT_ECN", 8 },
	};

	for (size_t i = 1; i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i], name) == 0) {
			*value = (double)i; /* as Linux numbers them */
			return true;
		}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i].name, name) == 0) {
			*value = others[i].value;
			return true;
		}
	return false;
}

struct thing code_named(struct code *code, const char *name)
{
	double value;

	for (unsigned i = code->n_names; i-- > 0;)
		if (strcmp(code->names[i].name, name) == 0)
			return code->names[i].value;
	if (constant(name, &value) || info(code, name, &value) || own_info(code, name, &value))
		return code_number(value);
	if (strncmp(name, "tcpi_", 5) == 0 && !code->has_info)
		return code_fail(code, "'%s': there is no connection", name);
	return code_fail(code, "name '%s' is not defined", name);
}
