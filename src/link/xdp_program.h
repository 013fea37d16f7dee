/* The program that an AF_XDP socket wants on its interface (linux/bpf.h), and the map through which it finds the
 * socket: by bare system calls, since five instructions are no reason for a library.
 */
#ifndef LINK_XDP_PROGRAM_H
#define LINK_XDP_PROGRAM_H

#include <stdint.h>

enum { XDP_QUEUES = 64 };

struct xdp_program {
	int map, program, link; /* descriptors; -1: none */
};

/* Loads it: every frame goes to the socket of its queue, or, where there is none, on to the system. 0, or -E...: -EPERM
 * (it asks for CAP_BPF and CAP_NET_ADMIN in the first user namespace), -EINVAL, -ENOSYS (this kernel knows no such). */
int xdp_program_load(struct xdp_program *program);
/* The socket, bound to that queue, becomes its receiver, and the program the interface's: by the driver where it can,
 * else by the system. 0 or -E...: -EBUSY (another program is there). It goes with the descriptors. */
int xdp_program_attach(struct xdp_program *program, int index, uint32_t queue, int socket);
void xdp_program_close(struct xdp_program *program);

#endif
