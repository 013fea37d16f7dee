/* What packetdrill's --so_filename asks of a shared object: a function packetdrill_interface_init() that fills this.
 * Every function takes userdata first and is else what the system call of its name is; errors are -1 and errno.
 */
#ifndef PACKETDRILL_INTERFACE_H
#define PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
	void *userdata;
	void (*free)(void *userdata);
	int (*socket)(void *userdata, int domain, int type, int protocol);
	int (*bind)(void *userdata, int fd, const struct sockaddr *addr, socklen_t n);
	int (*listen)(void *userdata, int fd, int backlog);
	int (*accept)(void *userdata, int fd, struct sockaddr *addr, socklen_t *n);
	int (*connect)(void *userdata, int fd, const struct sockaddr *addr, socklen_t n);
	ssize_t (*read)(void *userdata, int fd, void *to, size_t n);
	ssize_t (*readv)(void *userdata, int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(void *userdata, int fd, void *to, size_t n, int flags);
	ssize_t (*recvfrom)(void *userdata, int fd, void *to, size_t n, int flags, struct sockaddr *addr,
			    socklen_t *addr_n);
	ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
	ssize_t (*write)(void *userdata, int fd, const void *from, size_t n);
	ssize_t (*writev)(void *userdata, int fd, const struct iovec *iov, int n);
	ssize_t (*send)(void *userdata, int fd, const void *from, size_t n, int flags);
	ssize_t (*sendto)(void *userdata, int fd, const void *from, size_t n, int flags,
			  const struct sockaddr *addr, socklen_t addr_n);
	ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
	int (*fcntl)(void *userdata, int fd, int command, ...);
	int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
	int (*close)(void *userdata, int fd);
	int (*shutdown)(void *userdata, int fd, int how);
	int (*getsockopt)(void *userdata, int fd, int level, int name, void *value, socklen_t *n);
	int (*setsockopt)(void *userdata, int fd, int level, int name, const void *value, socklen_t n);
	int (*poll)(void *userdata, struct pollfd *fds, nfds_t n, int timeout);
	/* An IP packet to the stack: 0 or -1. */
	int (*netdev_send)(void *userdata, const void *packet, size_t bytes);
	/* The next packet that leaves the stack, waited for: *bytes is the room and then its length; 0: none ever will.
	 * *time_usecs: when it left. What is not 0 makes the tool ask again, for ever. */
	int (*netdev_receive)(void *userdata, void *packet, size_t *bytes, long long *time_usecs);
	int (*usleep)(void *userdata, useconds_t usecs);
	int (*gettimeofday)(void *userdata, struct timeval *time, struct timezone *zone);
	int (*epoll_create)(void *userdata, int size);
	int (*epoll_ctl)(void *userdata, int epoll, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(void *userdata, int epoll, struct epoll_event *events, int most, int timeout);
	int (*pipe)(void *userdata, int fds[2]);
	int (*splice)(void *userdata, int in, loff_t *off_in, int out, loff_t *off_out, size_t n,
		      unsigned flags);
};

/* flags: --so_flags, may be NULL (packetdrill/adaptor.h). */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);

#endif
