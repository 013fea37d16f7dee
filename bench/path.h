/* A path in virtual time: two hosts and one bottleneck between them, with a rate, a buffer and whatever else
 * tern_impair can do to the packets of the one direction; the ACKs come back over a clean line.
 *
 * Flows are senders that always have more to send (or a fixed amount) and receivers that read at once.
 * Nothing here reads a clock: the same settings give the same figures.
 */
#ifndef BENCH_PATH_H
#define BENCH_PATH_H

#include <tern/tern.h>

enum { PATH_FLOWS_MAX = 64 };

struct path_settings {
	struct tern_impair forward; /* rate, limit, loss, seed ...; delay: half of the round trip */
	tern_time back;		    /* the other half */
	uint32_t  mtu;		    /* 0: 1500 */
	uint32_t  window;	    /* bytes that either buffer may grow to */
	const char *ecn;	    /* NULL: as the default */
};

struct path_flow {
	tern_socket from, to;
	uint64_t    left;     /* still to be handed to the stack; UINT64_MAX: without end */
	uint64_t    received;
	bool	    connected, accepted, shut;
	tern_time   began, ended; /* ended: the receiver read the end of the stream; TERN_NEVER: not yet */
};

/* How long packets waited for the rate, since path_watch_queue(). */
struct path_queue {
	uint64_t  packets, lost;
	double	  sum;	  /* seconds */
	tern_time most;
	tern_time first_loss; /* of the whole run: TERN_NEVER: none */
};

struct path {
	struct path_settings settings;
	tern_host	    *host[2]; /* sender, receiver */
	struct tern_link    *end[2];
	tern_socket	     listener;
	tern_time	     now;
	struct path_flow     flow[PATH_FLOWS_MAX];
	unsigned	     n_flows, n_accepted;
	struct path_queue    queue;
};

void path_create(struct path *path, const struct path_settings *settings);
void path_destroy(struct path *path);

/* A flow that begins now. octets: then it closes; UINT64_MAX: without end. Its number. */
unsigned path_open(struct path *path, const char *congestion_control, uint64_t octets);
void	 path_run(struct path *path, tern_time until);
/* Until that flow has ended, at most until `latest`. */
void	 path_run_flow(struct path *path, unsigned flow, tern_time latest);
void	 path_watch_queue(struct path *path); /* counts anew from here */
void	 path_status(const struct path *path, unsigned flow, struct tern_status *status);

/* Octets of text a second that the bottleneck can carry at most, headers taken off (what is lost is lost before). */
double path_ceiling(const struct path *path);
/* Packets of a buffer of so many bandwidth-delay products, at least two. */
uint32_t path_buffer(double products, uint64_t rate, tern_time rtt, uint32_t mtu);

#endif
