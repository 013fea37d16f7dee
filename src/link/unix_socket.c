#include "link/unix_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int unix_address(struct sockaddr_un *address, const char *path)
{
	const size_t n = strlen(path);

	if (n == 0)
		return -ENOENT; /* as of a file; to unix(7) it is a name of another kind */
	if (n >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, n + 1);
	return 0;
}

/* Whether a socket lies there that nobody serves any more. Of a file that is no socket connect(2) says the same. */
static bool is_left_over(const struct sockaddr_un *address, int type)
{
	struct stat stat;

	if (lstat(address->sun_path, &stat) != 0 || !S_ISSOCK(stat.st_mode))
		return false;
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	const bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
	close(fd);
	return dead;
}

int unix_bind(const struct sockaddr_un *address, int type)
{
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int error = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
	if (error == EADDRINUSE && is_left_over(address, type) && unlink(address->sun_path) == 0)
		error = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
	if (error == 0)
		return fd;
	close(fd);
	return -error;
}
