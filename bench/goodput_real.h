/* tern-bench goodput --real: over a wire in real time, beside Linux (goodput_real.py). */
#ifndef BENCH_GOODPUT_REAL_H
#define BENCH_GOODPUT_REAL_H

/* Whether the command line asks for it. */
int goodput_is_real(int n, char *const arguments[]);
/* Becomes the driver, a Python program that lies beside this source; returns where it cannot. */
int goodput_real(char *self, int n, char *const arguments[]);
/* tern's end of one transfer, run so by the driver: send|sink DEVICE OWN/BITS PEER PORT CONTROLLER SECONDS RECEIVE
 * SEND (bytes of buffers at most). It prints a line when it is ready, and one of JSON at the end. 3: there is no such
 * controller. */
int goodput_end(int n, char *const arguments[]);

#endif
