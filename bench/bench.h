/* What the workloads of tern-bench share: rounds, clock, rows, and a world of two hosts.
 *
 * A workload runs each of its cases bench->rounds times and hands the figures to bench_add(), which keeps
 * median and range. In-process figures are taken on the CPU clock of this process, so that a busy
 * machine does not count; what cannot be set up ends the program with a sentence.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_ROUNDS_MAX = 16, BENCH_ROWS_MAX = 1024, BENCH_PEERS = 4 };
enum { BENCH_NOTE = 96, BENCH_METRIC = 64, BENCH_VERSION = 64 };

enum bench_better { BENCH_HIGHER, BENCH_LOWER };

/* What this machine does on a 64 KiB buffer, 10^9 bytes a second. */
struct calibration {
	double copy, sum;
};

struct bench_case {
	const char	 *workload, *metric, *unit;
	double		  target; /* NAN: none */
	enum bench_better better;
};

/* Another that did the same in the same rounds. */
struct bench_peer {
	const char *name;
	char	    version[BENCH_VERSION];
	double	    median, low, high;
	double	    frames; /* a unit, as the row's note has them; 0: not said */
};

struct bench_row {
	struct bench_case  what;	     /* its metric points to the name below */
	char		   metric[BENCH_METRIC];
	double		   median, low, high;
	struct calibration machine;	     /* when the row was made */
	double		   ceiling;	     /* what nothing could exceed; 0: not said */
	double		   passes;	     /* what its copies and sums alone would allow; 0: not said */
	double		   p99;		     /* seconds; 0: not said */
	double		   load;	     /* the system's average of a minute, when the row was made */
	int64_t		   date;	     /* seconds since 1970, when the row was made */
	double		   frames;	     /* a unit: a segment of text, a message, an opening; 0: not said */
	char		  note[BENCH_NOTE];  /* for the reader of the table; may be empty */
	struct bench_peer  peers[BENCH_PEERS];
	unsigned	   n_peers;
};

struct bench {
	unsigned	   rounds;
	bool		   quick, full, alone;
	struct calibration machine; /* measured anew before each workload */
	struct bench_row   rows[BENCH_ROWS_MAX];
	size_t		   n_rows;
};

/* One row; samples are put in order. The row, for its note. */
struct bench_row *bench_add(struct bench *bench, const struct bench_case *what, double *samples, unsigned n);

/* What a peer reached in it, without samples nothing; the name must stay. */
void bench_add_peer(struct bench_row *row, const char *name, const char *version, double *samples, unsigned n);

/* Ends the program: the machine cannot do it, or the stack did not as it should. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* result, if not below 0; else ends the program with the sentence for it. */
int bench_need(int result, const char *what);
/* malloc that does not fail. */
void *bench_alloc(size_t n);

/* How many times as good as the peer: above 1, tern is ahead. */
double bench_ratio(const struct bench_row *row, const struct bench_peer *peer);

double bench_cpu(void); /* seconds of CPU time of this process so far */

void bench_print_table(const struct bench *bench);
void bench_print_json(const struct bench *bench);
/* The same, with the machine and what each row was measured beside, for bench/report.py. False: errno says why. */
bool bench_write_results(const struct bench *bench, const char *path);

/* ---- the workloads, a file each ---- */

void bench_bulk(struct bench *bench);
void bench_bulk_64k(struct bench *bench);
void bench_bulk_owned(struct bench *bench);
void bench_messages(struct bench *bench);
void bench_open_close(struct bench *bench);
void bench_flatness(struct bench *bench);
void bench_memory(struct bench *bench);
void bench_latency(struct bench *bench); /* by the wall clock, and beside Linux */
void bench_cores(struct bench *bench); /* on the CPU clocks of its threads, and by the wall clock */
void bench_calibration(struct bench *bench);
void bench_device(struct bench *bench);	 /* against Linux, by the wall clock */
void bench_gateway(struct bench *bench); /* also beside peers; by the wall clock where the row is no CPU time */
void bench_acks(struct bench *bench);
int  acks_counted(bool quick); /* the same without a word, for callgrind to count: its exit status */
void bench_goodput(struct bench *bench);
void bench_fairness(struct bench *bench);
void bench_bufferbloat(struct bench *bench);

void bench_instructions(struct bench *bench);
int  instructions_counted(void); /* the same without a word, for callgrind to count: its exit status */

/* What instructions are counted of: begin() sets up, run() does a fixed amount of work, always the same. */
struct bench_counted {
	const char *metric;
	uint32_t    n; /* for begin() */
	void *(*begin)(uint32_t n);
	uint64_t (*run)(void *state); /* how many units it did */
	void (*end)(void *state);
};

enum { COUNTED_BULK = 4, COUNTED_MESSAGES = 2, COUNTED_OPEN_CLOSE = 2 };
extern const struct bench_counted counted_bulk[COUNTED_BULK];
extern const struct bench_counted counted_messages[COUNTED_MESSAGES];
extern const struct bench_counted counted_open_close[COUNTED_OPEN_CLOSE];

/* The congestion controllers that paths are tried with. */
extern const char *const bench_controllers[];
extern const unsigned bench_n_controllers;
bool bench_is_model_based(const char *controller); /* it looks for the path's rate, not for its losses */

void calibrate(struct bench *bench);

#endif
