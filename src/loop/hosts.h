/* tern_hosts from the inside. */
#ifndef LOOP_HOSTS_H
#define LOOP_HOSTS_H

#include <pthread.h>

#include <tern/hosts.h>

#include "loop/loop.h"

enum { HOSTS_LINKS = 16 }; /* of a host (tern_host_add_link()) */

struct member {
	tern_hosts	 *hosts;
	unsigned	  i; /* its number */
	tern_loop	 *loop;
	tern_host	 *host;
	struct tern_link *link[HOSTS_LINKS]; /* by the host's number: what fragments came by */
	pthread_t	  thread;
};

struct tern_hosts {
	unsigned	  n;
	enum tern_clock	  clock;
	bool		  pin, runs;
	struct tern_share share; /* no host's in particular */
	struct member	  member[];
};

#endif
