/* Which of the host's resolvers to ask, for what the guest sends to its DNS address. */
#ifndef GATEWAY_DNS_H
#define GATEWAY_DNS_H

#include "gateway/gateway.h"

/* This one did not answer, or refused: another is asked from now on, where there is one. */
void dns_resolver_failed(struct gateway *gateway, const struct tern_endpoint *resolver);

/* The flow's last query is unanswered, and old enough for a resolver to have failed. */
bool dns_is_silent(const struct gateway *gateway, const struct flow *flow);

enum { DNS_RESOLVERS = 8 };

/* As dns_open(), with the text of a resolv.conf. 0, or -ENOMEM. */
int dns_begin(struct gateway *gateway, const char *text);

/* The name servers of a resolv.conf (resolv.conf(5)), in their order; how many. Pure. */
size_t dns_parse(struct tern_endpoint to[DNS_RESOLVERS], const char *text);

#endif
