#include "wire/domain.h"

enum { LABEL_MOST = 63 };

static bool is_of_host_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool domain_add(struct domains *domains, const char *name, size_t n)
{
	uint8_t wire[DOMAIN_MOST];
	size_t	at = 0, label = 0; /* wire[label]: the length of the label that is being written */

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n == 0 || n + 2 > sizeof wire)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && name[i] != '.') {
			if (!is_of_host_name(name[i]))
				return false;
			wire[++at] = (uint8_t)name[i];
			continue;
		}
		if (at == label || at - label > LABEL_MOST)
			return false;
		wire[label] = (uint8_t)(at - label);
		label = ++at;
	}
	wire[at++] = 0;
	if (domains->n == DOMAINS || domains->n_bytes + at > sizeof domains->bytes)
		return false;
	memcpy(domains->bytes + domains->n_bytes, wire, at);
	domains->n_bytes = (uint16_t)(domains->n_bytes + at);
	domains->n++;
	return true;
}

size_t domains_fit(const struct domains *domains, size_t room)
{
	size_t fits = 0;

	for (size_t at = 0; at < domains->n_bytes;) {
		while (domains->bytes[at] != 0)
			at += 1u + domains->bytes[at];
		at++;
		if (at <= room)
			fits = at;
	}
	return fits;
}
