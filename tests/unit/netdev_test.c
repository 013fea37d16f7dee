/* Interfaces, addresses and routes of a network namespace of the test's own, as the system then shows them. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/device.h>

#include "link/netdev.h"
#include "support/netns.h"

static struct tern_addr addr_of(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static int make(const char *name)
{
	const int fd = tern_tun_open(&(struct tern_tun){ .name = name, .tap = true }, NULL);

	assert_true(fd >= 0);
	return fd;
}

static unsigned flags_of(const char *name)
{
	struct ifaddrs *all;
	unsigned	flags = 0;

	assert_int_equal(getifaddrs(&all), 0);
	for (struct ifaddrs *one = all; one; one = one->ifa_next)
		if (strcmp(one->ifa_name, name) == 0)
			flags = one->ifa_flags;
	freeifaddrs(all);
	return flags;
}

/* The source address that the system takes for a datagram to `to`; "" where there is no route. */
static const char *source_for(const char *to)
{
	static char		  text[INET6_ADDRSTRLEN];
	const struct tern_addr	  addr = addr_of(to);
	struct sockaddr_in6	  remote = { .sin6_family = AF_INET6, .sin6_port = htons(9) }, local;
	socklen_t		  len = sizeof local;
	struct tern_addr	  found;
	const int		  fd = socket(AF_INET6, SOCK_DGRAM, 0);

	memcpy(&remote.sin6_addr, addr.b, 16);
	text[0] = '\0';
	if (connect(fd, (const struct sockaddr *)&remote, sizeof remote) == 0) {
		assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &len), 0);
		memcpy(found.b, &local.sin6_addr, 16);
		(void)tern_addr_format(&found, text);
	}
	close(fd);
	return text;
}

static bool is_tentative(const char *name)
{
	char	 line[128], found[20];
	unsigned flags;
	bool	 tentative = false;
	FILE	*file = fopen("/proc/net/if_inet6", "r");

	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%*s %*x %*x %*x %x %19s", &flags, found) == 2 && strcmp(found, name) == 0)
			tentative |= (flags & 0x40) != 0;
	(void)fclose(file);
	return tentative;
}

static void interface_goes_up_and_down(void **state)
{
	const int fd = make("d0");

	(void)state;
	assert_true(netdev_index("d0") > 0);
	assert_false(flags_of("d0") & IFF_UP);
	assert_int_equal(netdev_up("d0"), 0);
	assert_true(flags_of("d0") & IFF_UP);
	assert_false(netdev_has_no_carrier_yet("d0"));
	assert_int_equal(netdev_down("d0"), 0);
	assert_false(flags_of("d0") & IFF_UP);
	assert_int_equal(netdev_set_mtu("d0", 4321), 0);
	assert_int_equal(netdev_get_mtu("d0"), 4321);
	close(fd);
}

static void mac_is_set(void **state)
{
	static const uint8_t mac[6] = { 0x02, 9, 8, 7, 6, 5 };
	const int	     fd = make("d0");
	uint8_t		     got[6];

	(void)state;
	assert_int_equal(netdev_set_mac("d0", mac), 0);
	assert_int_equal(netdev_get_mac("d0", got), 0);
	assert_memory_equal(got, mac, 6);
	close(fd);
}

static void addresses_are_usable_at_once(void **state)
{
	const struct tern_addr v4 = addr_of("10.1.2.3"), v6 = addr_of("fd01::3");
	const int	       fd = make("d0");

	(void)state;
	assert_int_equal(netdev_quiet_ipv6("d0"), 0);
	assert_int_equal(netdev_up("d0"), 0);
	for (int again = 0; again < 2; again++) { /* what is there already is no error */
		assert_int_equal(netdev_add_address("d0", &v4, 24), 0);
		assert_int_equal(netdev_add_address("d0", &v6, 64), 0);
	}
	assert_string_equal(source_for("10.1.2.99"), "10.1.2.3");
	assert_string_equal(source_for("fd01::99"), "fd01::3");
	assert_string_equal(source_for("10.9.9.9"), "");
	/* The link-local one neither, but for the moment that the system takes; detection takes a second. */
	for (int i = 0; i < 40 && is_tentative("d0"); i++)
		usleep(10000);
	assert_false(is_tentative("d0"));
	close(fd);
}

static void routes_lead_where_they_say(void **state)
{
	const struct tern_addr v4 = addr_of("10.1.2.3"), v6 = addr_of("fd01::3"), other = addr_of("10.1.2.4"),
			       all4 = addr_of("0.0.0.0"), all6 = addr_of("::"), next4 = addr_of("192.0.2.1"),
			       next6 = addr_of("fd02::1"), net = addr_of("198.51.100.0");
	const int fd = make("d0");

	(void)state;
	assert_int_equal(netdev_quiet_ipv6("d0"), 0);
	assert_int_equal(netdev_up("d0"), 0);
	assert_int_equal(netdev_add_address("d0", &v4, 24), 0);
	assert_int_equal(netdev_add_address("d0", &other, 24), 0);
	assert_int_equal(netdev_add_address("d0", &v6, 64), 0);
	for (int again = 0; again < 2; again++) {
		const int there = again ? -EEXIST : 0; /* it stays */

		/* Next hops outside every prefix of the link: onlink. */
		assert_int_equal(netdev_add_route("d0", &all4, 0, &next4, NULL), there);
		assert_int_equal(netdev_add_route("d0", &all6, 0, &next6, NULL), there);
		assert_int_equal(netdev_add_route("d0", &net, 24, NULL, again ? &v4 : &other), there);
	}
	assert_string_equal(source_for("203.0.113.5"), "10.1.2.3");
	assert_string_equal(source_for("198.51.100.7"), "10.1.2.4");
	assert_string_equal(source_for("2001:db8::5"), "fd01::3");
	close(fd);
}

static void errors_are_the_systems(void **state)
{
	const struct tern_addr v4 = addr_of("10.1.2.3"), all = addr_of("0.0.0.0");
	uint8_t		       mac[6];
	const int	       fd = make("d0");

	(void)state;
	assert_int_equal(netdev_index("nothing"), -ENODEV);
	assert_int_equal(netdev_index("a-name-too-long-for-any"), -ENODEV);
	assert_int_equal(netdev_up("nothing"), -ENODEV);
	assert_int_equal(netdev_get_mtu("nothing"), -ENODEV);
	assert_int_equal(netdev_set_mtu("d0", 70000), -EINVAL);
	assert_int_equal(netdev_add_address("nothing", &v4, 24), -ENODEV);
	assert_int_equal(netdev_add_address("d0", &v4, 33), -EINVAL);
	assert_int_equal(netdev_add_route("d0", &all, 33, NULL, NULL), -EINVAL);
	assert_int_equal(netdev_add_route("d0", &all, 0, NULL, NULL), -ENETDOWN); /* it is not up */
	assert_int_equal(netdev_get_mac("lo", mac), -EOPNOTSUPP);
	assert_int_equal(netdev_quiet_ipv6("../.."), -EINVAL);
	assert_int_equal(netdev_quiet_ipv6("nothing"), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interface_goes_up_and_down), cmocka_unit_test(mac_is_set),
		cmocka_unit_test(addresses_are_usable_at_once), cmocka_unit_test(routes_lead_where_they_say),
		cmocka_unit_test(errors_are_the_systems),
	};
	const char *why;

	if (!netns_enter_with_tun(&why)) {
		(void)fprintf(stderr, "skipped: %s\n", why);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
