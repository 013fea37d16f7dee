/* What the files of the socket calls share. */
#ifndef HOST_SOCKET_H
#define HOST_SOCKET_H

#include "host/internal.h"

/* The block of a handle that the program holds, or NULL. */
struct tcb *socket_block(const struct tern_host *host, tern_socket socket);

#endif
