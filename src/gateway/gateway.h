/* The gateway: one guest behind a TAP device, one tern host that answers for the whole world, and ordinary
 * sockets of the system onward.
 *
 *	guest's program - its kernel - TAP - tern (accept-any) - relay - socket - the host's kernel - anywhere
 *
 * The rooms and what each owes the others stand here. One thread, one loop; no room blocks after
 * gateway_run() has begun to serve. A room has a state struct inside struct gateway, X_open() that makes it,
 * X_done() that lets everything go (also after a failed open, and twice), and where it has time-outs,
 * X_deadline() and X_expire(), which gateway.c asks before and after each turn.
 *
 * Addresses: `local` of a tuple is what the guest talks to, `remote` is the guest. gateway_onward() turns the
 * first into where the host's socket goes.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "gateway/flow.h"
#include "gateway/options.h"
#include "wire/domain.h"

#include <tern/tern.h>
#include <tern/datagram.h>
#include <tern/record.h>
#include <tern/device.h>

/* ---- events ---- */

/* Whose a tern event is. Cookies are made by gateway_cookie() alone. */
enum gateway_owner {
	OWNER_TCP_LISTENER = 1, /* the accept-any listener */
	OWNER_TCP,		/* index, generation: of the flow */
	OWNER_UDP_ANY,		/* the accept-any datagram socket */
	OWNER_ECHO_ANY,
	OWNER_DHCP,
	OWNER_DHCP6,
	OWNER_RA,
};

static inline uint64_t gateway_cookie(enum gateway_owner owner, uint32_t index, uint32_t generation)
{
	return (uint64_t)owner << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}

/* ---- guest.c: namespaces, command, device, exit ---- */

struct guest {
	int   device; /* TAP or TUN descriptor to adopt; -1: none (QEMU makes its own link) */
	bool  tun;    /* it is a TUN device: no Ethernet */
	pid_t pid;    /* the command; 0: none */
	int   pidfd;  /* readable when the command has ended; -1: none */
	int   gate;   /* a byte into it lets the command go; -1 */
	int   diag;   /* NETLINK_SOCK_DIAG socket of the guest's namespace, which it keeps alive; -1: none */
	int   signals; /* signalfd(2) of those that are passed on */
	bool  ended;
	int   status; /* exit code as the shell has it, once ended */
	uint8_t mac[6]; /* of the guest's interface where known */
};

/* Before any thread, socket or loop of ours exists: makes or joins the namespaces, makes the device and gives it
 * addresses, routes and resolv.conf as gateway->options and gateway's addresses say, and forks the command,
 * which waits. 0; else the exit code to end with (126, 127, 1), and `error` is one line that says what is
 * missing and what to do. */
int guest_open(struct gateway *gateway, char error[GATEWAY_ERROR]);
/* Everything is ready: lets the command run (its exec's failure is told as its exit code 126/127), writes
 * --ready-fd, watches pidfd, --exit-fd and the signals to be passed on, and calls gateway_guest_ended() when it is
 * over. 0 or -E…. */
int guest_go(struct gateway *gateway);
/* TCP sockets in the guest's namespace that still have something to say (FIN-WAIT-1, CLOSING, LAST-ACK, and
 * CLOSE-WAIT or ESTABLISHED ones that no process holds): how many, -E… where that cannot be known. */
int  guest_orphans(const struct gateway *gateway);
void guest_done(struct gateway *gateway);

/* Called by guest.c: the command ended with this exit code, or (attach, netns, exit-fd) the guest is gone. */
void gateway_guest_ended(struct gateway *gateway, int status);

/* ---- sandbox.c: gives up capabilities, no_new_privs, seccomp allow-list; last before serving ---- */

int sandbox_enter(const struct gateway *gateway, char error[GATEWAY_ERROR]); /* 0 or -E… */

/* ---- relay_tcp.c ---- */

struct relay_tcp {
	tern_socket listener;
	bool	    open;
	uint32_t    half_open; /* flows that are not established yet */
	struct tcp_flow *waiting; /* flows to be looked at again at a time of their own */
	struct chunks	*chunks;  /* what is read from servers, until the guest has acknowledged it */
};

int  relay_tcp_open(struct gateway *gateway);
void relay_tcp_done(struct gateway *gateway);
void relay_tcp_event(struct gateway *gateway, const struct tern_event *event); /* OWNER_TCP_LISTENER, OWNER_TCP */
/* As tern_taker.take has it, for OWNER_TCP. */
size_t	  relay_tcp_take(struct gateway *gateway, uint64_t cookie, const uint8_t *text, size_t n);
tern_time relay_tcp_deadline(const struct gateway *gateway);
void	  relay_tcp_expire(struct gateway *gateway, tern_time now);
/* A host's connected socket for the guest: fd becomes the relay's. */
int relay_tcp_inbound(struct gateway *gateway, int fd, const struct tern_endpoint *from,
		      const struct tern_endpoint *guest);
/* Nothing of the guest's waits to go to a server. */
bool relay_tcp_is_drained(const struct gateway *gateway);
/* For listings: "ESTABLISHED", "connecting", "half-closed by guest" ... */
const char *relay_tcp_state(const struct gateway *gateway, const struct flow *flow);
/* Of its connection with the guest. False: there is none. */
bool relay_tcp_status(const struct gateway *gateway, const struct flow *flow, struct tern_status *status);

/* ---- relay_udp.c, relay_echo.c ---- */

struct relay_udp {
	tern_socket any;
	bool	    open;
	void	   *state; /* the room's own */
};
int	  relay_udp_open(struct gateway *gateway);
void	  relay_udp_done(struct gateway *gateway);
void	  relay_udp_event(struct gateway *gateway, const struct tern_event *event); /* OWNER_UDP_ANY */
tern_time relay_udp_deadline(const struct gateway *gateway);
void	  relay_udp_expire(struct gateway *gateway, tern_time now);
/* A forward: fd is a bound UDP socket of the host, which becomes the relay's; id is the forward's. */
int  udp_forward_open(struct gateway *gateway, int fd, const struct forward *forward, uint32_t id);
void udp_forward_close(struct gateway *gateway, uint32_t id);

struct relay_echo {
	tern_socket any;
	bool	    open;
	void	   *state;
};
int	  relay_echo_open(struct gateway *gateway); /* 0 also where the system has no ping sockets for us */
void	  relay_echo_done(struct gateway *gateway);
void	  relay_echo_event(struct gateway *gateway, const struct tern_event *event);
tern_time relay_echo_deadline(const struct gateway *gateway);
void	  relay_echo_expire(struct gateway *gateway, tern_time now);

/* ---- dns.c: UDP and TCP port 53 of the DNS addresses, to the host's resolvers ---- */

struct dns {
	bool  open;
	void *state;
};
int	  dns_open(struct gateway *gateway);
void	  dns_done(struct gateway *gateway);
/* The resolver to ask now: UDP by relay_udp.c, TCP by relay_tcp.c. False: there is none. */
bool dns_resolver(const struct gateway *gateway, struct tern_endpoint *resolver);

/* ---- dhcp.c, dhcp6.c, ra.c: what tells a guest its addresses that tern does not give them to ---- */

/* 0 also where the guest is not one of those. Their sockets go with the host. */
int  dhcp_open(struct gateway *gateway);
int  dhcp6_open(struct gateway *gateway);
void dhcp_event(struct gateway *gateway, const struct tern_event *event);  /* OWNER_DHCP */
void dhcp6_event(struct gateway *gateway, const struct tern_event *event); /* OWNER_DHCP6 */

struct ra {
	bool	    open;
	tern_socket socket;
	tern_time   next, last;
	unsigned    n_sent; /* counted to those of the beginning */
	uint64_t    random;
};
int	  ra_open(struct gateway *gateway);
void	  ra_done(struct gateway *gateway); /* tells that the router goes */
void	  ra_event(struct gateway *gateway, const struct tern_event *event); /* OWNER_RA */
tern_time ra_deadline(const struct gateway *gateway);
void	  ra_expire(struct gateway *gateway, tern_time now);

/* ---- control.c: --control PATH, `tern ctl` ---- */

struct control {
	bool  open;
	void *state;
};
int  control_open(struct gateway *gateway); /* watches its own descriptors with tern_loop_watch_fd() */
void control_done(struct gateway *gateway);

/* ---- show.c: --watch, --json ---- capture.c: --pcap, a link on the link ---- */

struct show;	/* gateway/show.h */
struct history; /* watch/history.h */
int  gateway_history_open(struct gateway *gateway);
void gateway_history_done(struct gateway *gateway);
struct capture; /* gateway/capture.h */

/* ---- gateway.c ---- */

/* Counters, printed by --stats and listed by --control: gateway_stats_at(). */
struct gateway_stats {
	uint64_t tcp_opened, tcp_refused, tcp_unreachable, tcp_timed_out, tcp_cancelled, tcp_denied;
	uint64_t tcp_reset_by_guest, tcp_reset_by_server, tcp_closed, tcp_inbound, tcp_inbound_failed;
	uint64_t tcp_urgent_inline; /* urgent ends that went across in the stream alone */
	uint64_t flows_refused;	    /* beyond --flows or out of memory or descriptors */
	uint64_t half_open_refused;
	uint64_t udp_flows, udp_up, udp_down, udp_denied, udp_errors, udp_dropped;
	uint64_t echo_up, echo_down, echo_dropped;
	uint64_t dns_queries, dns_answers, dns_failed;
	uint64_t dhcp_offers, dhcp_acks, dhcp_naks, dhcp_declines; /* declined: the guest found its address taken */
	uint64_t dhcp_dropped; /* DHCP and DHCPv6: malformed, not for us, or no room for the answer */
	uint64_t dhcp6_replies, router_advertisements;
	uint64_t octets_up, octets_down; /* TCP */
	uint64_t octets_direct; /* of octets_up: those that passed the receive store by */
};

struct gateway {
	const struct gateway_options *options;
	tern_loop	 *loop;
	tern_host	 *host;
	struct tern_link *device, *link; /* link: what stands on the device (impair, capture), or itself */
	uint8_t		  link_number;
	bool		  ipv6; /* the guest has it */

	struct tern_addr guest4, gateway4, dns4; /* 10.0.2.100, .2, .3 */
	struct tern_addr guest6, gateway6, dns6; /* fd00::100, ::2, ::3 */
	uint8_t		 mac[6];		 /* ours on the device */

	struct guest	    guest;
	struct flow_table   flows;
	struct gateway_stats stats;
	struct relay_tcp    tcp;
	struct relay_udp    udp;
	struct relay_echo   echo;
	struct dns	    dns;
	tern_socket	    dhcp, dhcp6;
	struct ra	    ra;
	struct domains	    search; /* the host's, as guests that ask are told */
	struct control	    control;
	struct forwarding  *forwarding; /* forward.c's own */
	struct show	   *show;
	struct capture	   *capture;
	struct history	   *history; /* --history, or NULL */
	tern_recording	   *recording; /* --record; NULL: none */

	bool	  ending; /* the guest is gone; sockets drain until: */
	tern_time end_by, look_at;
	int	  status; /* to exit with */
	bool	  stop;
};

/* Runs until the guest is gone and its sockets have drained. The exit code of `tern gateway`. */
int gateway_run(const struct gateway_options *options);

/* One counter by number: its name and value. False past the last. */
bool gateway_stats_at(const struct gateway_stats *stats, size_t i, const char **name, uint64_t *value);

/* "tern: gateway: ..." on stderr. */
void gateway_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says that an option's file cannot be written, and why. Returns error, -E.... */
int gateway_unwritable(const char *option, const char *path, int error);
/* Closes an option's file; says so where not all that was written has arrived. */
void gateway_close_file(const char *option, const char *path, FILE *file);

/* ---- address.c: where what the guest addresses really is ---- */

enum gateway_route {
	ROUTE_ONWARD,	   /* *to is where the host's socket goes */
	ROUTE_DNS,	   /* the DNS address, port 53: dns.c's (TCP: *to is the resolver) */
	ROUTE_DENIED,	   /* by the filter, or the host's loopback switched off: prohibited */
	ROUTE_REFUSED,	   /* an address of ours where nothing listens: RST, port unreachable */
	ROUTE_UNREACHABLE, /* no such host here: the rest of the guest's own network, loopback, link-local ... */
};
enum gateway_route gateway_onward(const struct gateway *gateway, const struct tern_addr *addr, uint16_t port,
				  struct tern_endpoint *to);

/* IPv4 as AF_INET, all else as AF_INET6. Returns the length. */
socklen_t gateway_sockaddr(struct sockaddr_storage *to, const struct tern_endpoint *from);
/* AF_INET (mapped), AF_INET6; others: all zero. */
struct tern_endpoint gateway_endpoint(const struct sockaddr_storage *from);

/* A non-blocking, close-on-exec socket of the family of addr; -E…. */
int gateway_socket(const struct tern_addr *addr, int type, int protocol);

/* What an errno of the host's socket says, for tern_answer() and tern_datagram_refuse(). */
enum tern_answer      gateway_answer_of(int error); /* ETIMEDOUT: DROP; unknown: REFUSE */
enum tern_unreachable gateway_unreachable_of(int error);

#endif
