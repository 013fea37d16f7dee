/* Names: queries to port 53 of the gateway's DNS address go to the host's resolvers as they are, by UDP as flows
 * of relay_udp.c, by TCP as connections of relay_tcp.c. Here is only which resolver: that of the host's
 * resolv.conf that answered last, and when it fails the next, round and round. The file is read once: later the
 * gateway may open none.
 *
 * A resolver on the host's loopback (127.0.0.53) is asked there; this is why the guest is not simply given the
 * host's file. Left out: link-local resolvers with a zone, which a guest cannot name, work as the host's do.
 */
#include "gateway/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DNS_PORT = 53, TEXT_MOST = 8192 };

static const tern_time PATIENCE = TERN_SECOND; /* resolvers wait 5 s before they ask again; some only 2 */

struct resolvers {
	struct tern_endpoint at[DNS_RESOLVERS];
	size_t		     n, current;
};

/* "fe80::1%eth0" too. */
static bool parse_address(struct tern_endpoint *to, const char *text, size_t n)
{
	char word[64];

	if (n == 0 || n >= sizeof word)
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	char *const zone = strchr(word, '%');
	*to = (struct tern_endpoint){ .port = DNS_PORT };
	if (zone) {
		*zone = '\0';
		to->zone = if_nametoindex(zone + 1);
	}
	return tern_addr_parse(&to->addr, word) == 0;
}

size_t dns_parse(struct tern_endpoint to[DNS_RESOLVERS], const char *text)
{
	static const char word[] = "nameserver";
	size_t		  n = 0;

	for (const char *line = text; *line && n < DNS_RESOLVERS;) {
		const char *const at = line + sizeof word - 1;

		if (strncmp(line, word, sizeof word - 1) == 0 && strspn(at, " \t") > 0) {
			const char *const address = at + strspn(at, " \t");
			n += parse_address(&to[n], address, strcspn(address, " \t\r\n#;"));
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return n;
}

int dns_begin(struct gateway *gateway, const char *text)
{
	struct resolvers *const resolvers = calloc(1, sizeof *resolvers);

	gateway->dns.state = resolvers;
	if (!resolvers)
		return -ENOMEM;
	resolvers->n = dns_parse(resolvers->at, text);
	if (resolvers->n == 0) { /* as resolv.conf(5) has it */
		static const struct tern_addr loopback = { { [10] = 0xff, 0xff, 127, 0, 0, 1 } };
		resolvers->at[resolvers->n++] = (struct tern_endpoint){ .addr = loopback, .port = DNS_PORT };
	}
	gateway->dns.open = true;
	return 0;
}

int dns_open(struct gateway *gateway)
{
	char	  text[TEXT_MOST] = "";
	const int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		const ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
	}
	return dns_begin(gateway, text);
}

void dns_done(struct gateway *gateway)
{
	free(gateway->dns.state);
	gateway->dns.state = NULL;
	gateway->dns.open = false;
}

bool dns_resolver(const struct gateway *gateway, struct tern_endpoint *resolver)
{
	const struct resolvers *const resolvers = gateway->dns.state;

	if (!resolvers)
		return false;
	*resolver = resolvers->at[resolvers->current];
	return true;
}

void dns_resolver_failed(struct gateway *gateway, const struct tern_endpoint *resolver)
{
	struct resolvers *const resolvers = gateway->dns.state;

	gateway->stats.dns_failed++;
	if (resolvers && memcmp(&resolvers->at[resolvers->current].addr, &resolver->addr, sizeof resolver->addr) == 0)
		resolvers->current = (resolvers->current + 1) % resolvers->n;
}

bool dns_is_silent(const struct gateway *gateway, const struct flow *flow)
{
	return flow->down == 0 && flow->up > 0 && tern_loop_now(gateway->loop) - flow->active > PATIENCE;
}
