#include "support/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link/netdev.h"

static bool put(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	const bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static bool become_root(void)
{
	char map[64];
	const unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWUSER) != 0)
		return false;
	(void)put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	if (!put("/proc/self/uid_map", map))
		return false;
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	return put("/proc/self/gid_map", map);
}

bool netns_enter(const char **why)
{
	if (unshare(CLONE_NEWNET) != 0) {
		if (!become_root() || unshare(CLONE_NEWNET) != 0) {
			*why = "network namespaces are not permitted here";
			return false;
		}
	}
	if (netdev_up("lo") != 0) {
		*why = "the network namespace gives no capabilities (netdev_up lo)";
		return false;
	}
	return true;
}

bool netns_enter_with_tun(const char **why)
{
	if (!netns_enter(why))
		return false;
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		*why = errno == ENOENT ? "there is no /dev/net/tun" : "/dev/net/tun is not open to this user";
		return false;
	}
	close(fd);
	if (access("/proc/net/if_inet6", R_OK) != 0) {
		*why = "there is no IPv6";
		return false;
	}
	return true;
}
