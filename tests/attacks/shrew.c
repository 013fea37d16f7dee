/* attacks: Shrew. A bulk transfer over 10 Mbit/s and 40 ms; a square wave of somebody else's packets fills the queue
 * for 100 ms of every second, the period of the least retransmission time-out, so that all that is sent meanwhile is
 * lost, what is sent again too.
 *
 * Asked: a quarter of the throughput that the transfer has alone. */
#include "support/figure.h"
#include "support/foe.h"

#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DELAY = 20 /* milliseconds, one way */,
	RATE = 1250 /* octets a millisecond */,
	OUTAGE = 100,
	HELD = 4096
};

static tern_host  *host[2];
static tern_time   now;
static tern_socket ends[2], listener;
static uint64_t	   got;

static struct held {
	uint8_t	  bytes[1600];
	uint32_t  n;
	tern_time at;
} held[2][HELD]; /* rings: to host 0, to host 1 */
static uint32_t first[2], last[2];

static void make_host(unsigned i)
{
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_config	      config;

	tern_config_default(&config);
	host[i] = figure_host(&config, (uint8_t)(i + 1), &link, 0x0a000001 + i, now);
}

/* What leaves in this millisecond: as much as the rate lets; the rest waits in the host. */
static void send_some(unsigned from, bool lost)
{
	static int64_t credit[2];

	for (credit[from] = credit[from] + RATE < 3000 ? credit[from] + RATE : 3000; credit[from] > 0;) {
		tern_packet *out[1];

		if (tern_host_output(host[from], out, 1, now) == 0)
			return;
		credit[from] -= from == 0 ? out[0]->len : 0; /* ACKs have the other direction to themselves */
		figure_must(last[!from] - first[!from] < HELD, "the link is full");
		struct held *const it = &held[!from][last[!from] % HELD];
		it->n = 0;
		for (unsigned i = 0; i < out[0]->n_parts; it->n += out[0]->part[i++].n)
			memcpy(it->bytes + it->n, out[0]->part[i].at, out[0]->part[i].n);
		tern_packet_done(out[0]);
		it->at = now + DELAY * TERN_MILLISECOND;
		last[!from] += !lost;
	}
}

static void arrive(unsigned to)
{
	for (; first[to] != last[to] && held[to][first[to] % HELD].at <= now; first[to]++) {
		const struct held *const it = &held[to][first[to] % HELD];
		tern_packet  in = { .part = { { it->bytes, it->n, NULL } }, .len = it->n, .n_parts = 1 };
		tern_packet *batch[] = { &in };

		tern_host_input(host[to], batch, 1, now);
	}
}

static double transfer(unsigned seconds, bool attacked)
{
	static uint8_t	       text[65536];
	const struct tern_open open = { .remote = { .addr = addr_v4(0x0a000002), .port = 80 } };

	now = 1000 * TERN_SECOND;
	memset(first, 0, sizeof first);
	memset(last, 0, sizeof last);
	got = 0;
	make_host(0);
	make_host(1);
	figure_must(tern_listen(host[1], &(struct tern_listen){ .local = { .port = 80 } }, &listener) == 0,
	     "no listener");
	figure_must(tern_connect(host[0], &open, &ends[0]) == 0, "no connect");
	for (unsigned ms = 0; ms < seconds * 1000; ms++) {
		now += TERN_MILLISECOND;
		for (unsigned i = 0; i < 2; i++) {
			arrive(i);
			tern_host_advance(host[i], now);
		}
		if (ends[1].generation == 0)
			(void)tern_accept(host[1], listener, &ends[1]);
		while (tern_send(host[0], ends[0], text, sizeof text, 0) == sizeof text)
			;
		for (ptrdiff_t n;
		     ends[1].generation != 0 && (n = tern_receive(host[1], ends[1], text, sizeof text)) > 0;)
			got += (uint64_t)n;
		send_some(0, attacked && ms % 1000 < OUTAGE && ms > 1000);
		send_some(1, false);
	}
	ends[1] = (tern_socket){ 0, 0 };
	tern_host_destroy(host[0]);
	tern_host_destroy(host[1]);
	return (double)got / seconds;
}

int main(int argc, char **argv)
{
	const unsigned seconds = figure_begin(argc, argv) ? 600 : 30;
	const double   alone = transfer(seconds, false), attacked = transfer(seconds, true);

	figure(attacked >= 0.25 * alone,
	       "throughput with 100 ms of every second lost: %.0f octets/s of %.0f alone: %.1f %% (asked: 25 %%)",
	       attacked, alone, 100 * attacked / alone);
	return figure_end();
}
