/* The part of guest.c that runs in a process of its own: in the guest's namespaces, until it becomes the
 * command or has handed out what it was asked for.
 *
 * It talks with the gateway over a SOCK_SEQPACKET pair, in this order:
 *
 *	inside  -> gateway   struct guest_report: the user namespace is there       (GUEST_COMMAND alone)
 *	gateway -> inside    one octet: its ids are mapped                          (GUEST_COMMAND alone)
 *	inside  -> gateway   struct guest_report with GUEST_DESCRIPTORS descriptors: everything is there
 *	gateway -> inside    one octet: become the command                          (GUEST_COMMAND alone)
 *
 * A report with an exit code that is not 0 is the last one.
 */
#ifndef GATEWAY_GUEST_INSIDE_H
#define GATEWAY_GUEST_INSIDE_H

#include <signal.h>

#include "gateway/options.h"

struct gateway;

enum guest_descriptor {
	GUEST_DEVICE, /* TUN or TAP */
	GUEST_DIAG,   /* a NETLINK_SOCK_DIAG socket of the namespace */
	GUEST_DESCRIPTORS,
};

struct guest_report {
	int	exit; /* 0, or the exit code that `error` is worth */
	char	error[GATEWAY_ERROR];
	uint8_t mac[6]; /* of the device; all zero: TUN */
};

/* The whole of it: never returns. talk: its end of the pair. mask: the signals that the command has blocked.
 * netns: the namespace to work in, or -1: new ones, and the command in them. */
_Noreturn void guest_inside(const struct gateway *gateway, int talk, int netns, const sigset_t *mask);

/* The resolv.conf that a guest reads, made of the host's text: our name server, the host's search domains and
 * options. Bytes written, less than room. Pure. */
size_t guest_resolv_conf(char *to, size_t room, const char *hosts, const struct tern_addr *server);

#endif
