#include "link/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

struct there {
	const char *path;
	int (*work)(void *context);
	void *context;
};

static void *run_there(void *context)
{
	const struct there *const there = context;
	const int		  netns = open(there->path, O_RDONLY | O_CLOEXEC);
	int			  result = 0;

	if (netns < 0)
		return (void *)(intptr_t)-errno;
	if (setns(netns, CLONE_NEWNET) != 0)
		result = -errno;
	close(netns);
	if (result == 0)
		result = there->work(there->context);
	return (void *)(intptr_t)result;
}

int netns_run(const char *path, int (*work)(void *context), void *context)
{
	struct there there = { path, work, context };
	pthread_t    thread;
	void	    *result;

	if (path == NULL)
		return work(context);
	const int error = pthread_create(&thread, NULL, run_there, &there);
	if (error != 0)
		return -error;
	(void)pthread_join(thread, &result);
	return (int)(intptr_t)result;
}
