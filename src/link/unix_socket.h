/* Sockets that have a path (unix(7)). */
#ifndef LINK_UNIX_SOCKET_H
#define LINK_UNIX_SOCKET_H

#include <sys/un.h>

/* 0; -ENAMETOOLONG: a path has 107 bytes at most; -ENOENT: and one at least. */
int unix_address(struct sockaddr_un *address, const char *path);

/* A new socket at its path, of type SOCK_STREAM or SOCK_DGRAM, which does not block: its descriptor, or -E... of
 * socket(2) and bind(2). -EADDRINUSE: something is there already. A socket that nobody serves any more is replaced; one
 * that somebody does, and whatever is no socket, stays. */
int unix_bind(const struct sockaddr_un *address, int type);

#endif
