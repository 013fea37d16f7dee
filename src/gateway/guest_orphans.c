/* Which of the guest's connections still have something to say once its programs have gone: asked of the
 * guest's kernel (sock_diag(7)) through a socket that belongs to the guest's network namespace.
 */
#include "gateway/gateway.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* The kernel's numbers of states (include/net/tcp_states.h) are no header's for programs. */
enum { KERNEL_FIN_WAIT_1 = 4, KERNEL_LAST_ACK = 9, KERNEL_CLOSING = 11 };

struct request {
	struct nlmsghdr		head;
	struct inet_diag_req_v2 body;
};

/* What stays within the guest is no matter of ours. */
static bool is_loopback(const struct inet_diag_msg *found)
{
	const uint8_t *const to = (const uint8_t *)found->id.idiag_dst;
	static const uint8_t one[16] = { [15] = 1 };

	return found->idiag_family == AF_INET ? to[0] == 127 : memcmp(to, one, sizeof one) == 0;
}

/* One answer of several messages. True: it was the last. */
static bool count(const uint8_t *at, size_t n, int *found)
{
	while (n >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head;

		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < sizeof head || head.nlmsg_len > n)
			return true;
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR)
			return true;
		if (head.nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
			struct inet_diag_msg message;

			memcpy(&message, at + NLMSG_HDRLEN, sizeof message);
			*found += !is_loopback(&message);
		}
		const size_t step = NLMSG_ALIGN(head.nlmsg_len);
		at += step < n ? step : n;
		n -= step < n ? step : n;
	}
	return false;
}

static int ask(int diag, uint8_t family)
{
	const struct request request = {
		.head = { .nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = 1u << KERNEL_FIN_WAIT_1 | 1u << KERNEL_LAST_ACK | 1u << KERNEL_CLOSING },
	};
	_Alignas(8) uint8_t answer[16384];
	int		    found = 0;

	if (send(diag, &request, sizeof request, 0) < 0)
		return -errno;
	for (;;) {
		const ssize_t n = recv(diag, answer, sizeof answer, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? found : -errno;
		if (count(answer, (size_t)n, &found))
			return found;
	}
}

int guest_orphans(const struct gateway *gateway)
{
	if (gateway->guest.diag < 0)
		return -EOPNOTSUPP;
	const int v4 = ask(gateway->guest.diag, AF_INET);
	if (v4 < 0 || !gateway->ipv6)
		return v4;
	const int v6 = ask(gateway->guest.diag, AF_INET6);
	return v6 < 0 ? v6 : v4 + v6;
}
