#include "support/veth.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link/netdev.h"

static bool run(const char *const words[])
{
	const pid_t child = fork();
	int	    status = -1;

	if (child == 0) {
		(void)alarm(200);
		(void)execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool veth_make(const char *one, const char *other)
{
	const char *const words[] = { "ip", "link", "add", one, "type", "veth", "peer", "name", other, NULL };

	veth_delete(one); /* of a test that failed */
	return run(words) && netdev_set_ipv6(one, false) == 0 && netdev_set_ipv6(other, false) == 0;
}

void veth_delete(const char *one)
{
	const char *const words[] = { "ip", "link", "del", one, NULL };

	if (netdev_index(one) > 0)
		(void)run(words);
}
