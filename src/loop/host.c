/* A host by one call, for programs that want the defaults: what most of them would write first. */
#include <tern/loop.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* "10.0.0.1/24" or "fd00::1/64". */
static int parse_prefix(const char *text, struct tern_addr *addr, unsigned *bits)
{
	const char *const slash = strchr(text, '/');
	char		  alone[64];
	char		 *end;

	if (!slash || (size_t)(slash - text) >= sizeof alone || slash[1] < '0' || slash[1] > '9')
		return -TERN_EINVAL;
	memcpy(alone, text, (size_t)(slash - text));
	alone[slash - text] = '\0';
	*bits = (unsigned)strtoul(slash + 1, &end, 10);
	return *end == '\0' ? tern_addr_parse(addr, alone) : -TERN_EINVAL;
}

int tern_loop_host(tern_loop *loop, struct tern_link *link, const char *address, tern_host **host)
{
	struct tern_config config;
	struct tern_addr   addr;
	unsigned	   bits;
	uint8_t		   number;
	int		   error = parse_prefix(address, &addr, &bits);

	if (error)
		return error;
	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	if (getrandom(config.secret, sizeof config.secret, 0) != sizeof config.secret)
		return -TERN_EACCES;
	error = tern_host_create(host, &config, tern_loop_now(loop));
	if (error)
		return error;
	error = tern_loop_add(loop, *host, link, &number);
	if (error)
		tern_host_destroy(*host); /* the link is still the caller's */
	else
		error = tern_host_add_address(*host, number, &addr, bits);
	return error;
}
