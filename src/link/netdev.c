/* Interfaces by ioctl, addresses and routes by rtnetlink: one socket, one request, one answer a call. */
#include "link/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- by ioctl ---- */

static int request_for(struct ifreq *request, const char *name)
{
	const size_t n = strlen(name);

	memset(request, 0, sizeof *request);
	if (n >= IFNAMSIZ)
		return -ENODEV;
	memcpy(request->ifr_name, name, n + 1);
	return 0;
}

static int ask(unsigned long what, struct ifreq *request)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	const int error = ioctl(fd, what, request) == 0 ? 0 : -errno;
	close(fd);
	return error;
}

int netdev_index(const char *name)
{
	struct ifreq request;
	int	     error = request_for(&request, name);

	if (error == 0)
		error = ask(SIOCGIFINDEX, &request);
	return error != 0 ? error : request.ifr_ifindex;
}

static int change_flags(const char *name, short set, short clear)
{
	struct ifreq request;
	int	     error = request_for(&request, name);

	if (error == 0)
		error = ask(SIOCGIFFLAGS, &request);
	if (error != 0)
		return error;
	request.ifr_flags = (short)((request.ifr_flags | set) & ~clear);
	return ask(SIOCSIFFLAGS, &request);
}

int netdev_up(const char *name)
{
	return change_flags(name, IFF_UP, 0);
}

int netdev_down(const char *name)
{
	return change_flags(name, 0, IFF_UP);
}

bool netdev_is_up(const char *name)
{
	struct ifreq request;

	return request_for(&request, name) == 0 && ask(SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
}

bool netdev_has_no_carrier_yet(const char *name)
{
	struct ifreq request;

	return request_for(&request, name) == 0 && ask(SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & IFF_UP) && !(request.ifr_flags & IFF_RUNNING);
}

int netdev_set_mtu(const char *name, uint32_t mtu)
{
	struct ifreq request;
	const int    error = request_for(&request, name);

	request.ifr_mtu = (int)mtu;
	return error != 0 ? error : ask(SIOCSIFMTU, &request);
}

int netdev_get_mtu(const char *name)
{
	struct ifreq request;
	int	     error = request_for(&request, name);

	if (error == 0)
		error = ask(SIOCGIFMTU, &request);
	return error != 0 ? error : request.ifr_mtu;
}

int netdev_set_mac(const char *name, const uint8_t mac[6])
{
	struct ifreq request;
	const int    error = request_for(&request, name);

	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	return error != 0 ? error : ask(SIOCSIFHWADDR, &request);
}

int netdev_get_mac(const char *name, uint8_t mac[6])
{
	struct ifreq request;
	int	     error = request_for(&request, name);

	if (error == 0)
		error = ask(SIOCGIFHWADDR, &request);
	if (error == 0 && request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	if (error == 0)
		memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return error;
}

/* ---- by rtnetlink ---- */

struct message {
	struct nlmsghdr head;
	union {
		struct ifaddrmsg address;
		struct rtmsg	 route;
		struct ifinfomsg link;
	};
	uint8_t attributes[160];
};

static void attribute(struct message *message, uint16_t type, const void *data, size_t n)
{
	struct rtattr *const at = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->head.nlmsg_len));

	at->rta_type = type;
	at->rta_len = (uint16_t)RTA_LENGTH(n);
	memcpy(RTA_DATA(at), data, n);
	message->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message->head.nlmsg_len) + RTA_ALIGN(at->rta_len));
}

static bool is_v4(const struct tern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr->b, mapped, sizeof mapped) == 0;
}

static void attribute_address(struct message *message, uint16_t type, const struct tern_addr *addr)
{
	const bool v4 = is_v4(addr);

	attribute(message, type, addr->b + (v4 ? 12 : 0), v4 ? 4 : 16);
}

/* Sends it and waits for the acknowledgement. */
static int tell(struct message *message)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t		rest[512];
	} answer;
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	ssize_t n = send(fd, message, message->head.nlmsg_len, 0);
	if (n >= 0)
		n = recv(fd, &answer, sizeof answer, 0);
	int result = n < 0 ? -errno : -EPROTO;
	close(fd);
	if (n >= (ssize_t)(sizeof answer.head + sizeof answer.error) && answer.head.nlmsg_type == NLMSG_ERROR)
		result = answer.error.error;
	return result;
}

static struct message begin(uint16_t type, uint16_t flags, size_t body)
{
	return (struct message){
		.head = {
			.nlmsg_len = (uint32_t)NLMSG_LENGTH(body),
			.nlmsg_type = type,
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
			.nlmsg_seq = 1,
		},
	};
}

/* The ioctl asks for rights on the whole machine; this one does not. */
int netdev_set_queue(const char *name, uint32_t packets)
{
	const int index = netdev_index(name);

	if (index < 0)
		return index;
	struct message message = begin(RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	message.link = (struct ifinfomsg){ .ifi_family = AF_UNSPEC, .ifi_index = index };
	attribute(&message, IFLA_TXQLEN, &packets, sizeof packets);
	return tell(&message);
}

int netdev_add_address(const char *name, const struct tern_addr *addr, unsigned bits)
{
	const int index = netdev_index(name);

	if (index < 0)
		return index;
	if (bits > (is_v4(addr) ? 32 : 128))
		return -EINVAL;
	struct message message = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
	message.address = (struct ifaddrmsg){
		.ifa_family = is_v4(addr) ? AF_INET : AF_INET6,
		.ifa_prefixlen = (uint8_t)bits,
		.ifa_flags = is_v4(addr) ? 0 : IFA_F_NODAD,
		.ifa_index = (uint32_t)index,
	};
	attribute_address(&message, IFA_LOCAL, addr);
	attribute_address(&message, IFA_ADDRESS, addr);
	const int error = tell(&message);
	return error == -EEXIST ? 0 : error;
}

int netdev_add_route(const char *name, const struct tern_addr *prefix, unsigned bits,
		     const struct tern_addr *next_hop, const struct tern_addr *src)
{
	const int index = netdev_index(name);

	if (index < 0)
		return index;
	if (bits > (is_v4(prefix) ? 32 : 128))
		return -EINVAL;
	struct message message = begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct rtmsg));
	message.route = (struct rtmsg){
		.rtm_family = is_v4(prefix) ? AF_INET : AF_INET6,
		.rtm_dst_len = (uint8_t)bits,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = next_hop == NULL && is_v4(prefix) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = next_hop != NULL ? RTNH_F_ONLINK : 0,
	};
	if (bits > 0)
		attribute_address(&message, RTA_DST, prefix);
	attribute(&message, RTA_OIF, &index, sizeof index);
	if (next_hop != NULL)
		attribute_address(&message, RTA_GATEWAY, next_hop);
	if (src != NULL)
		attribute_address(&message, RTA_PREFSRC, src);
	return tell(&message);
}

/* ---- by /proc/sys ---- */

static int write_setting(const char *name, const char *key, const char *value)
{
	char path[96];

	if (strchr(name, '/') != NULL || snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", name, key) >=
						 (int)sizeof path)
		return -EINVAL;
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const ssize_t n = write(fd, value, strlen(value));
	const int     error = n < 0 ? -errno : 0;
	close(fd);
	return error;
}

int netdev_quiet_ipv6(const char *name)
{
	const int error = write_setting(name, "accept_dad", "0");
	const int other = write_setting(name, "accept_ra", "0");

	return error != 0 ? error : other;
}

int netdev_set_ipv6(const char *name, bool on)
{
	return write_setting(name, "disable_ipv6", on ? "0" : "1");
}
