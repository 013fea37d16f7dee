/* One bulk transfer from client to server; bulk.c, bulk_64k.c and bulk_owned.c differ in its settings. */
#ifndef BENCH_BULK_RUN_H
#define BENCH_BULK_RUN_H

#include "bench.h"
#include "peer.h"
#include <tern/link.h>

enum { BULK_PEERS = 3 };

struct bulk {
	struct tern_link_config link;
	bool			owned; /* tern_send_owned() in, tern_peek() out: the application copies nothing */
	bool			posted; /* tern_receive_post(): the host puts text into the application's buffer */
	const struct peer_what *peers; /* BULK_PEERS; the first without a program ends them; NULL: none */
	bool			ack_each_second; /* else an ACK a batch: frames are taken two at a time */
	uint64_t		bytes; /* that are timed, after a warm-up that is also checked byte by byte */
};

/* A row of Gbit/s: rounds of the transfer, each between hosts of its own. what: its words and target. */
void bulk_run(struct bench *bench, const struct bulk *bulk, const struct bench_case *what);

#endif
