#include "tcp/tune.h"
#include "base/bytes.h"
#include "tcp/congestion.h"
#include "tcp/path.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"

enum { SLACK_SEGMENTS = 16, SEND_AHEAD = 65536 };

#define ROUND_TRIP_UNKNOWN (100 * TERN_MILLISECOND)

static tern_time round_trip(const struct tcb *tcb)
{
	const uint32_t srtt8 = tcb_cold(tcb)->srtt8;

	return srtt8 == 0 ? ROUND_TRIP_UNKNOWN : (tern_time)srtt8 * TERN_MICROSECOND / 8;
}

static void begin_round(struct tcb *tcb, struct tcb_path *path, tern_time now)
{
	path->tune.at = now;
	path->tune.from = tcb->rcv.read;
}

static void grow(struct tcb *tcb, struct tcb_path *path, uint32_t taken)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	const uint64_t window = 2 * (uint64_t)taken + SLACK_SEGMENTS * (uint64_t)tcb->rcv.mss;
	const uint64_t more = window * (taken - path->tune.most) / path->tune.most;
	const uint64_t wanted = window + 2 * more, most = tcb_env(tcb)->config.receive_buffer_max;

	path->tune.most = taken;
	if (wanted > cold->receive_buffer && !mem_is_tight(tcb_env(tcb)->mem))
		cold->receive_buffer = (uint32_t)(wanted < most ? wanted : most);
}

void tune_round(struct tcb *tcb, tern_time now)
{
	struct tcb_path *path = path_of(tcb);

	if (!path)
		path = path_attach(tcb);
	if (!path)
		return;
	if (path->tune.most == 0) {
		path->tune.most = min_u32(10u * tcb->rcv.mss, max_u32(tcb_cold(tcb)->receive_buffer / 4, 1));
		begin_round(tcb, path, now);
		return;
	}
	if (now - path->tune.at < round_trip(tcb))
		return;

	const uint32_t taken = seq_sub(tcb->rcv.read, path->tune.from);

	if (taken > path->tune.most)
		grow(tcb, path, taken);
	begin_round(tcb, path, now);
}

uint32_t tune_send_buffer(const struct tcb *tcb)
{
	const uint32_t buffer = tcb_cold(tcb)->send_buffer;
	const uint32_t cwnd = tcb->warm ? tcb->warm->cc.cwnd : *path_cwnd(tcb);

	if (buffer != tcb_env(tcb)->config.send_buffer_max)
		return buffer; /* as the program has it */
	return (uint32_t)min_i64(buffer, 2 * (int64_t)cwnd + SEND_AHEAD);
}
