/* {"do":"sockets"}: every TCP connection of the gateway's host with its STATUS, its listeners, half-open and TIME-WAIT
 * entries. What tern ss and tern stuck read.
 */
#include "gateway/control_answer.h"
#include "gateway/gateway.h"

#include <inttypes.h>
#include <tern/status.h>

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static int64_t microseconds(tern_time time)
{
	return time / TERN_MICROSECOND;
}

/* From now on; null: not armed. */
static void tell_timer(struct control_text *to, const char *name, tern_time at, tern_time now)
{
	if (at == TERN_NEVER)
		control_tell(to, ",\"%s\":null", name);
	else
		control_tell(to, ",\"%s\":%" PRId64, name, at > now ? (at - now) / TERN_MILLISECOND : 0);
}

static void tell_names(struct control_text *to, const char *state, const struct tern_tuple *tuple)
{
	char local[46], remote[46];

	control_tell(
		to,
		"{\"state\":\"%s\",\"local\":\"%s\",\"local_port\":%u,\"remote\":\"%s\",\"remote_port\":%u",
		state, tern_addr_format(&tuple->local, local), tuple->local_port,
		tern_addr_format(&tuple->remote, remote), tuple->remote_port);
}

static void tell_queues(struct control_text *to, const struct tern_status *status)
{
	control_tell(to,
		     ",\"unread\":%" PRIu32 ",\"unsent\":%" PRIu32 ",\"unacked\":%" PRIu32
		     ",\"out_of_order\":%" PRIu32 ",\"snd_wnd\":%" PRIu32 ",\"rcv_wnd\":%" PRIu32,
		     status->unread, status->unsent, status->unacked, status->out_of_order, status->snd_wnd,
		     status->rcv_wnd);
	control_tell(to,
		     ",\"bytes_sent\":%" PRIu64 ",\"bytes_acked\":%" PRIu64 ",\"bytes_received\":%" PRIu64
		     ",\"bytes_retrans\":%" PRIu64 ",\"segs_out\":%" PRIu32 ",\"segs_in\":%" PRIu32,
		     status->bytes_sent, status->bytes_acked, status->bytes_received,
		     status->bytes_retransmitted, status->segments_out, status->segments_in);
}

static void tell_path(struct control_text *to, const struct tern_status *status)
{
	control_tell(to, ",\"ts\":%s,\"sack\":%s,\"ecn\":%s,\"wscale_ok\":%s", truth(status->ts_ok),
		     truth(status->sack_ok), truth(status->ecn_ok), truth(status->wscale_ok));
	control_tell(to, ",\"snd_wscale\":%u,\"rcv_wscale\":%u,\"mss\":%u,\"rcvmss\":%u,\"pmtu\":%u",
		     status->snd_wscale, status->rcv_wscale, status->snd_mss, status->rcv_mss, status->pmtu);
	control_tell(to,
		     ",\"cc\":\"%s\",\"cwnd\":%" PRIu32 ",\"ssthresh\":%" PRIu32 ",\"in_flight\":%" PRIu32
		     ",\"rtt_us\":%" PRId64 ",\"rttvar_us\":%" PRId64 ",\"rto_us\":%" PRId64
		     ",\"minrtt_us\":%" PRId64,
		     status->congestion_control ? status->congestion_control : "", status->cwnd,
		     status->ssthresh, status->in_flight, microseconds(status->srtt),
		     microseconds(status->rttvar), microseconds(status->rto), microseconds(status->min_rtt));
	control_tell(to,
		     ",\"delivery_rate\":%" PRIu64 ",\"pacing_rate\":%" PRIu64 ",\"retrans\":%" PRIu32
		     ",\"retrans_total\":%" PRIu32 ",\"probes\":%" PRIu32 ",\"keepalive_probes\":%" PRIu32,
		     status->delivery_rate, status->pacing_rate, status->retransmits,
		     status->retransmits_total, status->probes, status->keepalive_probes);
	control_tell_limits(to, status);
}

static void tell_timers(struct control_text *to, const struct tern_status *status, tern_time now)
{
	tell_timer(to, "retransmit_in_ms", status->retransmit_at, now);
	tell_timer(to, "persist_in_ms", status->persist_at, now);
	tell_timer(to, "keepalive_in_ms", status->keepalive_at, now);
	tell_timer(to, "user_timeout_in_ms", status->user_timeout_at, now);
	tell_timer(to, "orphan_in_ms", status->orphan_at, now);
	tell_timer(to, "until_in_ms", status->time_wait_at, now);
}

/* flow NULL: no program holds it any more. */
static void tell_connection(struct control_text *to, const struct tern_status *status,
			    const struct flow *flow, tern_time now)
{
	char onward[46];

	tell_names(to, tern_state_name(status->state), &status->tuple);
	tell_queues(to, status);
	tell_path(to, status);
	tell_timers(to, status, now);
	if (flow)
		control_tell(to,
			     ",\"held\":true,\"idle_ms\":%" PRId64 ",\"flow\":%" PRIu64
			     ",\"onward\":\"%s\",\"onward_port\":%u}\n",
			     (now - flow->active) / TERN_MILLISECOND, flow->number,
			     tern_addr_format(&flow->onward.addr, onward), flow->onward.port);
	else
		control_tell(to, ",\"held\":false}\n");
}

static void list_flows(struct gateway *gateway, struct control_text *to, tern_time now)
{
	const struct flow *flow;
	struct tern_status status;
	uint32_t	   cursor = 0;

	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL)
		if (flow->kind == FLOW_TCP && relay_tcp_status(gateway, flow, &status))
			tell_connection(to, &status, flow, now);
}

static void list_orphans(struct gateway *gateway, struct control_text *to, tern_time now)
{
	struct tern_status status;
	uint64_t	   cursor = 0;

	while (tern_host_each_orphan(gateway->host, &cursor, &status))
		tell_connection(to, &status, NULL, now);
}

static void list_entries(struct gateway *gateway, struct control_text *to, tern_time now)
{
	struct tern_entry entry;
	uint64_t	  cursor = 0;

	while (tern_host_each_entry(gateway->host, &cursor, &entry)) {
		tell_names(to, tern_state_name(entry.state), &entry.tuple);
		tell_timer(to, "until_in_ms", entry.until, now);
		control_tell(to, ",\"held\":false}\n");
	}
}

static void list_listeners(struct gateway *gateway, struct control_text *to)
{
	struct tern_status status;
	tern_socket	   socket;
	uint64_t	   cursor = 0;

	while (tern_host_each(gateway->host, &cursor, &socket)) {
		if (tern_status(gateway->host, socket, &status) != 0 || status.state != TERN_STATE_LISTEN)
			continue;
		tell_names(to, tern_state_name(status.state), &status.tuple);
		control_tell(to, ",\"held\":true}\n");
	}
}

void control_sockets(struct gateway *gateway, const char *request, struct control_text *to)
{
	const tern_time now = tern_loop_now(gateway->loop);

	(void)request;
	list_listeners(gateway, to);
	list_flows(gateway, to, now);
	list_orphans(gateway, to, now);
	list_entries(gateway, to, now);
	control_succeeded(to);
}
