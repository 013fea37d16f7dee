/* --delay, --loss ...: the gateway's link made a bad one in both directions. */
#ifndef GATEWAY_IMPAIRED_H
#define GATEWAY_IMPAIRED_H

#include <tern/link.h>

/* Stands on `under`, which it owns from here on (not where an error is returned). Each direction has the settings for
 * itself, with draws of its own. As tern_impair_create(). */
int impaired_create(struct tern_link **link, struct tern_link *under, const struct tern_impair *settings);

#endif
