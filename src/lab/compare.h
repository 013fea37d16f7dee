/* The same world once for each of several congestion controllers, same seed: what came of each, in figures
 * side by side. */
#ifndef LAB_COMPARE_H
#define LAB_COMPARE_H

#include "lab/world.h"

/* What one run came to, of the side that sent the most text. */
struct lab_result {
	char	  controller[16];
	unsigned  side;
	bool	  as_expected;
	tern_time took;	       /* from its first segment to the arrival of its last text */
	uint64_t  octets;      /* of text, each counted once */
	uint64_t  segments, again, probes, timeouts, lost; /* segments; time-outs that fired */
	uint32_t  cwnd_most;   /* octets */
	tern_time srtt_least, srtt_most;
	struct plot plot;
};

/* A world that has run. */
void lab_result_of(const struct lab_world *world, const char *controller, bool as_expected, struct lab_result *result);
void lab_results_print(const struct lab_result *results, size_t n);
void lab_results_json(const struct lab_result *results, size_t n);
/* One column for each. 0 or negative errno. */
int  lab_results_plot(const char *file, const struct lab_result *results, size_t n, const char *title);

#endif
