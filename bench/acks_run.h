/* What the workload `acks` counts: the instructions of SEGMENT ARRIVES for one ACK, with n segments in flight,
 * for ACKs of several kinds. Count and set-up are apart: under callgrind only acks_measured() is collected. */
#ifndef BENCH_ACKS_RUN_H
#define BENCH_ACKS_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum { ACKS_KINDS = 8 };

struct acks_kind {
	const char *name; /* as in the metric */
	bool	    hostile;
};
extern const struct acks_kind acks_kinds[ACKS_KINDS];

/* Runs `acks` ACKs of a kind with n segments in flight. Seconds of CPU time that they took. */
double acks_run(unsigned kind, uint32_t n, unsigned acks);

#endif
