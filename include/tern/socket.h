/* tern/socket.h - the calls of RFC 9293 3.9.1, as non-blocking sockets. They act at the time the host
 * was last told (tern_host_advance, tern_host_input). Results below 0 are -TERN_E...; every call
 * answers -TERN_EBADF to a handle that names nothing.
 */
#ifndef TERN_SOCKET_H
#define TERN_SOCKET_H

#include <tern/host.h>
#include <tern/options.h>
#include <tern/status.h>
#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- OPEN (RFC 9293 3.9.1.1) ---- */

struct tern_open {
	struct tern_endpoint remote; /* wholly given (MUST-46: unicast) */
	struct tern_endpoint local;  /* address unspecified: by route (MUST-44); port 0: ephemeral */
	uint64_t	     cookie; /* comes back in events */
};

/* Active OPEN: sends SYN. TERN_CONNECTED or TERN_ERROR follows. -TERN_EINVAL, -TERN_EADDRINUSE,
 * -TERN_EADDRNOTAVAIL, -TERN_ENETUNREACH, -TERN_ENOMEM. */
int tern_connect(tern_host *host, const struct tern_open *open, tern_socket *socket);

struct tern_listen {
	struct tern_endpoint local;  /* address unspecified: all (MUST-43); port needed unless any */
	struct tern_endpoint remote; /* all zero: anyone; address, or address and port: only that one */
	uint32_t	     backlog; /* accept queue and half-open entries each; 0 means 128 */
	bool		     any;    /* every address and port (DESIGN 5.11) */
	bool		     ask;    /* see each SYN before it is answered: TERN_ASK, tern_answer() */
	uint64_t	     cookie;
};

/* Passive OPEN. -TERN_EADDRINUSE where the same is listened on already (MUST-41), -TERN_EINVAL. */
int tern_listen(tern_host *host, const struct tern_listen *listen, tern_socket *listener);

/* The oldest completed connection; -TERN_EAGAIN: none. Its cookie is 0 until tern_set_cookie(). */
int tern_accept(tern_host *host, tern_socket listener, tern_socket *socket);

/* LISTEN to SYN-SENT (RFC 9293 3.10.1): the listener goes, its local endpoint opens actively. */
int tern_listener_connect(tern_host *host, tern_socket listener, const struct tern_endpoint *remote,
			  tern_socket *socket);

/* ---- accept-any that asks ---- */

/* The next SYN that waits; -TERN_EAGAIN: none. asked names it until it is answered or ends
 * (TERN_CLOSED event with its cookie: guest's RST, or config.accept_wait). */
int tern_next_ask(tern_host *host, tern_socket listener, tern_socket *asked, struct tern_tuple *tuple);

enum tern_answer {
	TERN_ANSWER_ACCEPT,	 /* SYN-ACK; the connection later comes by tern_accept() with this cookie */
	TERN_ANSWER_REFUSE,	 /* RST */
	TERN_ANSWER_NET_UNREACHABLE, /* ICMP 3/0, ICMPv6 1/0 */
	TERN_ANSWER_HOST_UNREACHABLE, /* 3/1, 1/3 */
	TERN_ANSWER_PROHIBITED,	 /* 3/13, 1/1 */
	TERN_ANSWER_DROP,	 /* silence */
};
int tern_answer(tern_host *host, tern_socket asked, enum tern_answer answer);

/* ---- SEND (3.9.1.2) ---- */

/* Copies; takes as much as there is room for. Bytes taken, or -TERN_EAGAIN, -TERN_EPIPE after shutdown,
 * -TERN_ENOTCONN, or the error that ended the connection. n = 0 with PUSH marks what is queued. */
ptrdiff_t tern_send(tern_host *host, tern_socket socket, const void *from, size_t n, unsigned flags);

/* No copy: from stays unchanged until release(context, from, n) was called. All or nothing:
 * n (1 to 1 GiB), or an error as above (then release is not called). */
ptrdiff_t tern_send_owned(tern_host *host, tern_socket socket, const void *from, size_t n, unsigned flags,
			  void (*release)(void *context, const void *from, size_t n), void *context);

/* ---- RECEIVE (3.9.1.3); text can also be had as it comes: struct tern_taker in tern/config.h ---- */

/* Copies at most n bytes; 0: end of the stream (the peer's FIN). -TERN_EAGAIN: nothing yet. */
ptrdiff_t tern_receive(tern_host *host, tern_socket socket, void *to, size_t n);

/* Looks without copying: the bytes `skip` after the read position that lie in one piece. Result as
 * tern_receive(); *at stays valid until the next tern_consume(), tern_receive() or close of it. */
ptrdiff_t tern_peek(tern_host *host, tern_socket socket, size_t skip, const uint8_t **at);
/* Bytes that were looked at are done with. -TERN_EINVAL: more than there are. */
int tern_consume(tern_host *host, tern_socket socket, size_t n);

/* Posts memory for the text that comes next: it is put straight there, and not into the host's own memory first. What
 * waits unread goes there at once. One buffer a connection, of n bytes (1 to 1 GiB): -TERN_EALREADY while there is
 * another; -TERN_EINVAL, -TERN_ENOMEM. Until it is taken back, or the handle is closed, the host writes to it within
 * tern_host_input() and these calls, and the connection is read by the two calls below alone: tern_receive(),
 * tern_peek() and tern_consume() answer -TERN_EALREADY, as does tern_pack(). Text in it is unread: it counts
 * against the window, TERN_READABLE tells of it, and to close a connection with it resets (SHLD-3).
 * tern_shutdown_receive() takes it back with nothing in it. Beyond what was told to be text, its bytes may be
 * anything. */
int tern_receive_post(tern_host *host, tern_socket socket, void *to, size_t n);
/* Takes it back: the bytes of text that stand in it, at least 1, now read; or 0, the end of the stream, or the
 * error that ended the connection. -TERN_EAGAIN: nothing yet, it stays posted. -TERN_EINVAL: none is posted. */
ptrdiff_t tern_receive_posted(tern_host *host, tern_socket socket);
/* The same at once: with 0 where nothing has come. -TERN_EINVAL: none is posted. */
ptrdiff_t tern_receive_unpost(tern_host *host, tern_socket socket);

/* ---- CLOSE (3.9.1.4) and ABORT (3.9.1.5) ---- */

/* "I have no more to send": FIN after what is queued; receiving goes on (half-close). 0 again and again. */
int tern_shutdown(tern_host *host, tern_socket socket);
/* No more receiving: what comes is acknowledged and thrown away. */
int tern_shutdown_receive(tern_host *host, tern_socket socket);
/* The program lets go: FIN after what is queued, the handle is gone. With text unread, or by LINGER 0,
 * RST instead (SHLD-3). Also ends listeners (half-open and unaccepted connections are reset) and asks. */
int tern_close(tern_host *host, tern_socket socket);
/* RST, nothing more; queued text is thrown away, the handle is gone. */
int tern_abort(tern_host *host, tern_socket socket);

/* ---- STATUS (3.9.1.6) and options ---- */

int	 tern_status(const tern_host *host, tern_socket socket, struct tern_status *status);
int	 tern_socket_error(const tern_host *host, tern_socket socket); /* what ended it: 0 or -TERN_E... */
unsigned tern_ready(const tern_host *host, tern_socket socket); /* levels, enum tern_readiness; 0: bad handle */
int	 tern_name(const tern_host *host, tern_socket socket, struct tern_tuple *tuple);
int	 tern_set_cookie(tern_host *host, tern_socket socket, uint64_t cookie);
int	 tern_option_set(tern_host *host, tern_socket socket, enum tern_option option, int64_t value);
int	 tern_option_get(const tern_host *host, tern_socket socket, enum tern_option option, int64_t *value);
/* By name, as tern_config.congestion_control; the window stays, and what the old controller knew goes. On a
 * listener: for what it accepts from now on. -TERN_ENOENT: no such controller. */
int	 tern_set_congestion_control(tern_host *host, tern_socket socket, const char *name);

#ifdef __cplusplus
}
#endif

#endif
