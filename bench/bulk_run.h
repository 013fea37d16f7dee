/* One bulk transfer from client to server; bulk.c, bulk_64k.c and bulk_owned.c differ in its settings. */
#ifndef BENCH_BULK_RUN_H
#define BENCH_BULK_RUN_H

#include "bench.h"
#include <tern/link.h>

struct bulk {
	struct tern_link_config link;
	bool			owned; /* tern_send_owned() in, tern_peek() out: the application copies nothing */
	bool			posted; /* tern_receive_post(): the host puts text into the application's buffer */
	uint64_t		bytes; /* that are timed, after a warm-up that is also checked byte by byte */
};

/* A row of Gbit/s: rounds of the transfer, each between hosts of its own. what: its words and target. */
void bulk_run(struct bench *bench, const struct bulk *bulk, const struct bench_case *what);

#endif
