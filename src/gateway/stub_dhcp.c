/* Stands in until dhcp.c is here. */
#include "gateway/gateway.h"
int dhcp_open(struct gateway *gateway) { (void)gateway; return 0; }
void dhcp_done(struct gateway *gateway) { (void)gateway; }
void dhcp_event(struct gateway *gateway, const struct tern_event *event) { (void)gateway, (void)event; }
tern_time dhcp_deadline(const struct gateway *gateway) { (void)gateway; return TERN_NEVER; }
void dhcp_expire(struct gateway *gateway, tern_time now) { (void)gateway, (void)now; }
