/* tern/hosts.h - more cores: one host for each of several threads, nothing shared but the addresses.
 *
 * Every host has its own loop, its own thread, its own tables and its own queue of the device; each listens on the
 * same ports (as SO_REUSEPORT has it). Which host a connection belongs to follows from its two endpoints by a keyed
 * hash, so a peer cannot aim; a packet that the device gave to another's queue is handed on between the threads.
 * What comes out:
 *
 *   TCP          by both endpoints. tern_connect() picks a local port whose answers come back; a given local port
 *                that is another host's is refused: -TERN_EADDRNOTAVAIL (try the host that tern_hosts_owner() names).
 *   UDP, pings   a local port of the ephemeral range (tern_config.port_low to port_high) by its number alone: all of
 *                it is one host's. Other ports by both endpoints: open the socket on every host.
 *   ICMP errors  to the host whose packet is quoted.
 *   fragments    those of one datagram to one host, which joins them and hands the whole to the one whose it is.
 *   groups, broadcasts, ARP replies, neighbour advertisements   to every host.
 *   ARP requests, neighbour solicitations                       host 0 answers.
 *
 * Threads: a host and its loop belong to their thread once tern_hosts_start() has returned. Another may call
 * tern_post() on the loop, and what is below, which runs in the hosts' threads by itself; nothing else.
 */
#ifndef TERN_HOSTS_H
#define TERN_HOSTS_H

#include <tern/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_hosts tern_hosts;

struct tern_hosts_settings {
	unsigned n;	      /* hosts, 1 to TERN_SHARE_MOST; 0: as many as this process may use CPUs */
	enum tern_clock clock; /* virtual: no threads, tern_hosts_turn() turns all in the caller's */
	/* Each host's; NULL: the defaults, and a secret from the system's random source. Every host gets a secret of
	 * its own that follows from this one. The limits of memory and of tables are for all hosts together: each
	 * has an equal part. The allocator (none: the C library's), watcher and taker are called from every thread. */
	const struct tern_config *config;
	bool pin; /* thread i stays on the i-th of the CPUs that this process may use */
};

/* 0; -TERN_EINVAL: a setting out of its range; -TERN_ENOMEM; -TERN_EACCES: no random numbers. */
int tern_hosts_create(tern_hosts **hosts, const struct tern_hosts_settings *settings);
/* Stops, then ends all: loops and links first, then the hosts. Not from a thread of theirs. */
void tern_hosts_destroy(tern_hosts *hosts);

unsigned   tern_hosts_count(const tern_hosts *hosts);
tern_host *tern_hosts_host(const tern_hosts *hosts, unsigned i); /* NULL: no such number */
tern_loop *tern_hosts_loop(const tern_hosts *hosts, unsigned i);
/* The number of the host that a connection of that name comes to (zones do not count). */
unsigned tern_hosts_owner(const tern_hosts *hosts, const struct tern_tuple *tuple);

/* The queues of one device, 1 to as many as there are hosts: queue i is read and written by thread i alone (of a TUN
 * device: opened once for each, with tern_tun.multi_queue). Hosts beyond the queues go through the thread of queue
 * i modulo n: so any link will do for one. They become the hosts' (not where an error is returned); *number is the
 * link's at every host (NULL: not wanted). 0; -TERN_EALREADY: it runs; -TERN_EINVAL; -TERN_ENOMEM. */
int tern_hosts_add(tern_hosts *hosts, struct tern_link *const queue[], unsigned n, uint8_t *number);

/* Starts the threads; 0, -TERN_EALREADY, -TERN_EINVAL (a virtual clock), -TERN_ENOMEM (the system has no thread left:
 * then none runs). Once stopped it may be started again. */
int tern_hosts_start(tern_hosts *hosts);
/* Ends each loop after its turn, and waits for the threads; what loops and hosts hold stays. -TERN_EALREADY: called
 * from one of them. */
int tern_hosts_stop(tern_hosts *hosts);

/* With a virtual clock: turns every loop until nothing moves, then goes on to the next deadline of any, at most by
 * `wait`. 1: something happened; 0: nothing will within it. -TERN_EINVAL: a real clock, or wait is negative. */
int tern_hosts_turn(tern_hosts *hosts, tern_time wait);

/* ---- in all of them; from any thread but theirs, also before they run (then in the caller's) ---- */

/* fn is called once for each host, in its thread, in any order or at once; returns when all have: 0, or what the
 * first of them (by number) returned below 0. -TERN_EALREADY: called from one of those threads, where it would wait
 * for itself. -TERN_ENOMEM: fn was called for none. */
int tern_hosts_each(tern_hosts *hosts, int (*fn)(void *context, unsigned i, tern_loop *loop, tern_host *host),
		    void *context);

/* As tern_host_add_address() and the others for one; 0 or the first error, after which some have it and some not. */
int tern_hosts_add_address(tern_hosts *hosts, uint8_t link, const struct tern_addr *addr, unsigned bits);
int tern_hosts_add_route(tern_hosts *hosts, const struct tern_addr *prefix, unsigned bits, uint8_t link,
			 const struct tern_addr *next_hop);
/* Listens on every host; listener (NULL: not wanted) has room for as many handles as there are hosts. The backlog is
 * each host's. On an error none listens. */
int tern_hosts_listen(tern_hosts *hosts, const struct tern_listen *listen, tern_socket *listener);
/* As tern_loop_on_event() of each: fn is called in that host's thread. */
int tern_hosts_on_event(tern_hosts *hosts,
			void (*fn)(void *context, tern_host *host, const struct tern_event *event), void *context);

struct tern_hosts_stats {
	uint64_t kept;	  /* packets that came to the queue of the host whose they were */
	uint64_t passed;  /* handed to another thread */
	uint64_t dropped; /* lost on that way, the other thread being too slow */
};
/* Counters and gauges of all hosts together; either may be NULL. 0 or as tern_hosts_each(). */
int tern_hosts_stats(tern_hosts *hosts, struct tern_stats *sum, struct tern_hosts_stats *steering);

/* ---- between two threads ---- */

/* As tern_pair_create() (tern/link.h), but that each end may be used by a thread of its own, a loop in each. 1 MiB
 * waits at an end; send() then takes fewer. The allocator is called by the creator and by the last to close. */
int tern_thread_pair_create(struct tern_link *end[2], const struct tern_link_config *config,
			    const struct tern_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
