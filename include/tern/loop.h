/* tern/loop.h - joins hosts, links, a clock and poll(2). One thread runs a loop; blocking calls for
 * programs that want them live here and nowhere else.
 */
#ifndef TERN_LOOP_H
#define TERN_LOOP_H

#include <tern/link.h>
#include <tern/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_loop tern_loop;

/* malloc() with alignment: for hosts, links and programs that have no allocator of their own. With hundreds of
 * thousands of connections start the program with GLIBC_TUNABLES=glibc.malloc.hugetlb=1 (glibc 2.35 and later): the C
 * library then asks the system for huge pages, and a message over 10^6 connections takes a fifth less time. */
const struct tern_allocator *tern_allocator_default(void);

enum tern_clock {
	TERN_CLOCK_REAL,    /* CLOCK_MONOTONIC */
	TERN_CLOCK_VIRTUAL, /* starts at 0 and jumps to the next deadline when nothing else is to be done */
};

/* 0, -TERN_EINVAL, or -TERN_ENOMEM (also: the system has no descriptor left). */
int tern_loop_create(tern_loop **loop, enum tern_clock clock);
/* Closes its links, not its hosts, and before them: a host's packets must have come back when it is
 * destroyed. What was posted and has not run yet is forgotten. */
void	  tern_loop_destroy(tern_loop *loop);
tern_time tern_loop_now(const tern_loop *loop);

/* The link becomes the loop's (not where an error is returned): its packets go to the host and the
 * host's to it; *number is the link's number at the host, for addresses and routes (NULL: not wanted).
 * 0, or as tern_host_add_link(). */
int tern_loop_add(tern_loop *loop, tern_host *host, struct tern_link *link, uint8_t *number);

/* The same for a host that is made on the way, with the default settings, a secret from the system's
 * random source, and one address: "10.0.0.1/24". 0; -TERN_EINVAL: not an address and prefix; or as
 * tern_host_create() and tern_loop_add(). The host is the caller's to destroy, after the loop. */
int tern_loop_host(tern_loop *loop, struct tern_link *link, const char *address, tern_host **host);

/* A descriptor of the program's own: fn(context, revents) when poll(2) says so. A second call replaces
 * the first; events 0 removes it. 0, -TERN_EINVAL, -TERN_ENOENT (nothing to remove), -TERN_ENOMEM. */
int tern_loop_watch_fd(tern_loop *loop, int fd, short events, void (*fn)(void *context, short revents),
		       void *context);

/* fn is called once for every event of that host; without it (NULL) events stay in the host for the
 * program. It may call the host, and the loop but for turning it. 0 or -TERN_ENOMEM. */
int tern_loop_on_event(tern_loop *loop, tern_host *host,
		       void (*fn)(void *context, tern_host *host, const struct tern_event *event),
		       void *context);

/* Before it sleeps, a loop looks about for at most this long (ns), which costs a core and saves the waking: some
 * microseconds in answering another thread (tern/hosts.h). How long it does follows from how long the last sleep
 * took: one longer than `most` ends the looking until one is shorter again. 0, as it begins: not at all; TERN_NEVER:
 * it never sleeps. Descriptors are polled meanwhile. 0; -TERN_EINVAL: negative, or a virtual clock. */
int tern_loop_set_spin(tern_loop *loop, tern_time most);

/* One turn: moves what can move, some thousands of packets at most. Where nothing can, it sleeps (the
 * virtual clock jumps) until something is due, at most `wait` ns (0: no sleep; TERN_NEVER: as long as it
 * takes), and serves that. 1: something happened; 0: time is up, or (virtual) nothing will ever happen;
 * -TERN_EINVAL: wait is negative; -TERN_EALREADY: called from within a turn.
 * With a virtual clock and descriptors, the clock waits for those only where nothing else is due. */
int tern_loop_turn(tern_loop *loop, tern_time wait);
/* Turns until tern_loop_stop() or (virtual) nothing can happen any more: 0. An error of a turn ends it. */
int tern_loop_run(tern_loop *loop);
/* Ends tern_loop_run(), or the next one where none runs. From callbacks; other threads post it. */
void tern_loop_stop(tern_loop *loop);

/* From any thread: fn(context) runs in the loop's thread soon, in the order of posting. The only call
 * other threads may make. 0 or -TERN_ENOMEM. */
int tern_post(tern_loop *loop, void (*fn)(void *context), void *context);

/* ---- blocking calls: they turn the loop until done; timeout in ns, TERN_NEVER for none ----
 *
 * -TERN_EAGAIN: the time was up, or (virtual clock) nothing will ever happen. -TERN_EINVAL: not a host
 * of this loop, or a negative timeout. Otherwise as the calls of tern/socket.h that they wait for. */

/* Those of `ready` (enum tern_readiness) that hold, once one does; or the error that ended it. */
int tern_wait(tern_loop *loop, tern_host *host, tern_socket socket, unsigned ready, tern_time timeout);
/* 0: connected. On an error the handle is gone already; -TERN_ETIMEDOUT here where the time was up. */
int tern_connect_wait(tern_loop *loop, tern_host *host, const struct tern_open *open, tern_socket *socket,
		      tern_time timeout);
int tern_accept_wait(tern_loop *loop, tern_host *host, tern_socket listener, tern_socket *socket,
		     tern_time timeout);
/* n; fewer where the time was up or the connection ended after those; or the error, and none taken. */
ptrdiff_t tern_send_wait(tern_loop *loop, tern_host *host, tern_socket socket, const void *from, size_t n,
			 tern_time timeout);
/* At least one byte and at most n; 0: end of the stream. */
ptrdiff_t tern_receive_wait(tern_loop *loop, tern_host *host, tern_socket socket, void *to, size_t n,
			    tern_time timeout);

#ifdef __cplusplus
}
#endif

#endif
