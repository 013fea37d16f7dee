/* The adaptor for the tool packetdrill (--so_filename): its calls become requests of sockets/, under one
 * lock and in virtual time.
 *
 * Time moves only where the tool lets it: usleep() by as much, gettimeofday() by a microsecond,
 * netdev_receive() until a packet leaves. A call that has to wait sleeps on a condition (in the kernel, as
 * the tool wants to see it); whoever moves time, or brings the packet, finishes the call for it at that
 * moment. Its thread may come to run much later, so the first look at the clock that it then takes tells
 * the moment at which the call was over.
 *
 * Handles are eventfds: the tool close()s what a script leaves open, without a word to us. So a descriptor
 * that is still in the table at the end is not closed here, and one that the system gives out again
 * replaces what had its number.
 */
#ifndef PACKETDRILL_ADAPTOR_H
#define PACKETDRILL_ADAPTOR_H

#include "packetdrill/interface.h"
#include "sockets/sockets.h"

#include <pthread.h>

enum { FLAGS_ERROR = 256 };

struct adaptor {
	pthread_mutex_t lock;
	pthread_cond_t	woken;
	struct sockets	sockets;
	unsigned	asleep; /* threads */
	unsigned long	told;	/* sockets.finished, when they were woken last */
	bool		broken; /* what init() was told is wrong: every call fails, and the clock goes on */
	tern_time	broken_now;
};

/* "local=192.168.0.1,remote=192.0.2.1,profile=linux,mtu=1500,tcp_sack=0": in any order, each may be left
 * out; what is no such word is a setting (tern/settings.h). Without local every address that is bound or
 * that a packet comes for becomes the host's. False: error says what is wrong. */
bool flags_parse(const char *flags, struct sockets_setup *setup, char error[FLAGS_ERROR]);

/* Runs it to its end, asleep if need be; -1 and errno where it failed. */
int64_t adaptor_call(void *userdata, struct sockets_request *request);

/* calls.c: the pointers of calls. */
void calls_fill(struct packetdrill_interface *interface);

#endif
