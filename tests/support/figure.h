/* Programs that measure what an attack does, print the figure beside what is asked of it, and fail where it is not
 * reached. Each has a short form (in `make test`) and, with --long, the one that docs/PROOF.md names. The last
 * line is `N passed, M failed`. */
#ifndef SUPPORT_FIGURE_H
#define SUPPORT_FIGURE_H

#include <tern/tern.h>

/* True: --long was asked for. Anything else on the command line ends the program. */
bool figure_begin(int argc, char **argv);
/* One figure: "name: value unit (asked: ...)", counted as passed or failed. */
void figure(bool reached, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What stands beside it; counts for nothing. */
void figure_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The last line; the exit code. */
int figure_end(void);

/* What cannot be otherwise, or nothing that is measured means anything: ends the program with its name and `what`. */
void figure_must(bool holds, const char *what);

/* A host of that IPv4 address in 10.0.0.0/8, on one link that leads everywhere; the secret is of `salt`. */
tern_host *figure_host(struct tern_config *config, uint8_t salt, const struct tern_link_config *link, uint32_t address,
		       tern_time now);

/* Seconds of CPU time of this process. */
double figure_cpu(void);

#endif
