/* What the driver of the gateway's workload tells its agent in the guest, and hears from it.
 *
 * The agent is this program again, run by each relay as its command. It calls the driver through the relay: so the
 * same agent serves every relay, whatever descriptors and directories that one leaves its command, and a relay that
 * carries nothing is told by its silence. One order is carried out at a time; its report is the answer.
 */
#ifndef BENCH_GATEWAY_ORDER_H
#define BENCH_GATEWAY_ORDER_H

#include <stdint.h>

enum order_kind {
	ORDER_BULK_FROM, /* iperf3: the guest sends */
	ORDER_BULK_TO,	 /* iperf3 -R */
	ORDER_CONNECT,	 /* open, ask, be answered, close; several at a time */
	ORDER_LATENCY,	 /* one octet asked and answered on one kept connection, in turn */
	ORDER_END,
};

struct order {
	uint32_t kind, port; /* port of iperf3's server, or of the answering one */
	uint32_t milliseconds;
};

struct report {
	int32_t error; /* errno; 0: the figures stand */
	/* Of bulk: bits a second, octets. Of connections: a second, how many, how many failed.
	 * Of latency: median and 99th percentile, seconds. */
	double figure[3];
};

/* What the answering server does with an octet. */
enum { ASK_AND_STAY = 's', ASK_AND_CLOSE = 'c', ANSWER_LONG = 64 /* octets, before it closes */ };

#endif
