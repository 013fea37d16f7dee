/* A host's calls as Linux has them: descriptors, blocking calls, errno, poll and epoll, TCP_INFO; over one
 * host of the library in virtual time, whose only link is the caller. What the caller's network brings goes
 * in by sockets_input(), what the host sends waits in a queue with the moment it left.
 *
 * No thread and no clock here: a call that has to wait is kept and tried again whenever something happened,
 * and is over at a moment of virtual time. Who lets threads sleep is packetdrill/, who plays scripts
 * script/.
 */
#ifndef SOCKETS_SOCKETS_H
#define SOCKETS_SOCKETS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <tern/tern.h>

enum { SOCKETS_FILES = 256, SOCKETS_OPTIONS = 24, SOCKETS_WATCHED = 64, SOCKETS_PIPE = 65536 };

/* ---- calls ---- */

/* In the order of the interface of packetdrill (packetdrill/interface.h). */
enum sockets_call {
	CALL_SOCKET,
	CALL_BIND,
	CALL_LISTEN,
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_READ,
	CALL_READV,
	CALL_RECV,
	CALL_RECVFROM,
	CALL_RECVMSG,
	CALL_WRITE,
	CALL_WRITEV,
	CALL_SEND,
	CALL_SENDTO,
	CALL_SENDMSG,
	CALL_FCNTL,
	CALL_IOCTL,
	CALL_CLOSE,
	CALL_SHUTDOWN,
	CALL_GETSOCKOPT,
	CALL_SETSOCKOPT,
	CALL_POLL,
	CALL_EPOLL_CREATE,
	CALL_EPOLL_CTL,
	CALL_EPOLL_WAIT,
	CALL_PIPE,
	CALL_SPLICE,
};

/* One call: its arguments, and from sockets_call() on what became of it. What pointers point to stays until
 * it is done. */
struct sockets_request {
	enum sockets_call call;
	int		  fd;
	union {
		struct {
			int domain, type, protocol;
		} socket;
		struct {
			const struct sockaddr *addr;
			socklen_t	       n;
		} name; /* bind, connect */
		struct {
			struct sockaddr *addr;
			socklen_t	*n;
		} accept;
		struct {
			int backlog;
		} listen;
		struct {
			int how;
		} shutdown;
		struct {		      /* read ... sendmsg */
			struct iovec	 one; /* of those that have no array */
			struct iovec	*iov;
			size_t		 n_iov;
			int		 flags;
			struct msghdr	*message; /* recvmsg, sendmsg */
			struct sockaddr *addr;	  /* recvfrom, sendto; may be NULL */
			socklen_t	*addr_n;  /* recvfrom */
			socklen_t	 to_n;	  /* sendto */
		} text;
		struct {
			unsigned long command;
			void	     *argument;
		} control; /* fcntl: the number is in it; ioctl: a pointer */
		struct {
			int	  level, name;
			void	 *value;
			socklen_t n, *n_out;
		} option; /* setsockopt: n; getsockopt: n_out */
		struct {
			struct pollfd *fds;
			nfds_t	       n;
			int	       timeout;
		} poll;
		struct {
			int		    op, fd;
			struct epoll_event *event;
		} epoll_ctl;
		struct {
			struct epoll_event *events;
			int		    n, timeout;
		} epoll_wait;
		struct {
			int *fds;
		} pipe;
		struct {
			loff_t	*off_in, *off_out;
			int	 out;
			size_t	 n;
			unsigned flags;
		} splice;
	} u;
	bool			begun, done;
	int64_t			result; /* >= 0, or -errno */
	tern_time		ends;	/* by a time-out of its own; TERN_NEVER */
	tern_time		done_at;
	size_t			moved; /* of a blocking write, so far */
	struct sockets_request *next;
};

/* ---- files ---- */

enum file_kind {
	FILE_FREE,
	FILE_FRESH,
	FILE_LISTENS,
	FILE_CONNECTS,
	FILE_CONNECTED,
	FILE_EPOLL,
	FILE_PIPE_READ,
	FILE_PIPE_WRITE
};

struct sockets_pipe {
	size_t	head, n;
	bool	has_reader, has_writer;
	uint8_t text[SOCKETS_PIPE];
};

struct sockets_watched {       /* by an epoll */
	int		   fd; /* -1: none */
	struct epoll_event event;
	bool		   spent; /* EPOLLONESHOT, and told */
	uint64_t	   edges; /* EPOLLET: of the file, when it was told last */
	uint32_t	   told;  /* and what was told */
};

struct sockets_file {
	int		     fd;
	enum file_kind	     kind;
	int		     domain; /* AF_INET, AF_INET6 */
	bool		     nonblocking, bound, reuse;
	struct tern_endpoint local;
	tern_socket	     handle;
	uint64_t	     edges;			    /* how often something happened */
	tern_time	     receive_timeout, send_timeout; /* 0: none */
	struct {					    /* set before there was a handle */
		enum tern_option option;
		int64_t		 value;
	} option[SOCKETS_OPTIONS];
	unsigned		n_options;
	char			controller[16]; /* empty: the host's */
	struct sockets_pipe    *pipe;		/* both ends have it */
	struct sockets_watched *watched;	/* of an epoll */
};

/* A packet that left the host. */
struct sockets_left {
	struct sockets_left *next;
	tern_time	     at;
	uint32_t	     n;
	uint8_t		     bytes[];
};

struct sockets {
	tern_host	  *host;
	struct tern_config config;
	uint8_t		   link;
	tern_time	   now;
	struct tern_addr   local;
	bool		   take_any; /* an address that is bound, or that a packet comes for, becomes ours */
	/* Where descriptors come from, and go; NULL: numbers from 3. close may be NULL. */
	int (*open_fd)(void);
	void (*close_fd)(int fd);
	struct sockets_file	file[SOCKETS_FILES];
	struct sockets_request *waiting;
	struct sockets_left    *first, **last;
	unsigned long		finished; /* calls that waited, and do no longer */
	bool			failed; /* no memory, or the host has something due of which nothing comes */
};

struct sockets_setup {
	struct tern_config config;
	uint32_t	   mtu;
	struct tern_addr   local;
	bool		   take_any;
	tern_time	   now;
	int (*open_fd)(void);
	void (*close_fd)(int fd);
};

/* 0, or -errno. */
int sockets_open(struct sockets *sockets, const struct sockets_setup *setup);
/* What waits is over with -EINTR before; descriptors are left to whoever has them. */
void sockets_close(struct sockets *sockets);

/* Begins a call. True: it is done. Else it waits, and request->done says when no longer. */
bool sockets_call(struct sockets *sockets, struct sockets_request *request);
/* It waits no more: -error is its result. */
void sockets_interrupt(struct sockets *sockets, struct sockets_request *request, int error);

/* Time goes on, and all that is due on the way happens. False: sockets->failed. */
bool sockets_run(struct sockets *sockets, tern_time until);
/* Until a packet has left, or `until`. False: none has. */
bool sockets_await(struct sockets *sockets, tern_time until);
void sockets_input(struct sockets *sockets, const uint8_t *bytes, size_t n);
/* The packet that left first, free()d by the caller; NULL: none. */
struct sockets_left *sockets_take(struct sockets *sockets);

/* NULL: none. */
struct sockets_file *sockets_file_of(struct sockets *sockets, int fd);

#endif
