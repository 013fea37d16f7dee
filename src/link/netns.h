/* Work inside another network namespace. A namespace is a thread's: one that lives for the work alone leaves the
 * caller where it is.
 */
#ifndef LINK_NETNS_H
#define LINK_NETNS_H

/* work(context) in the namespace at that path ("/run/netns/blue", "/proc/1234/ns/net"), or, where it is NULL, here
 * and in the caller's thread: what it returns, or -E... of the way there. */
int netns_run(const char *path, int (*work)(void *context), void *context);

#endif
