/* tern/pack.h - one connection, in any state, as one versioned record (DESIGN 5.13). */
#ifndef TERN_PACK_H
#define TERN_PACK_H

#include <tern/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the connection into to[0..room): its length; if it is larger than room nothing was written.
 * Owned send memory is copied into the record. -TERN_EBADF; -TERN_EOPNOTSUPP for a listener;
 * -TERN_EALREADY while a receive buffer is posted. */
ptrdiff_t tern_pack(const tern_host *host, tern_socket socket, void *to, size_t room);

/* Packs, then forgets the connection without a segment: it lives on in the record alone. */
ptrdiff_t tern_pack_out(tern_host *host, tern_socket socket, void *to, size_t room);

/* Brings it back to life under a new handle; times count from the record's moment on.
 * -TERN_EPROTO: not a record of this version, or one that contradicts itself; -TERN_EADDRINUSE;
 * -TERN_EADDRNOTAVAIL: it belongs to another of the hosts that share its address; -TERN_ENOMEM.
 * Nothing is changed on error. */
int tern_unpack(tern_host *host, const void *from, size_t n, tern_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
