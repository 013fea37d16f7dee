/* What tcp/ knows of the host it lives in: settings, memory, counters, secrets, the watcher. */
#ifndef TCP_ENV_H
#define TCP_ENV_H

#include "base/mem.h"
#include "base/pages.h"
#include "base/siphash.h"
#include "base/slices.h"
#include <tern/config.h>
#include <tern/stats.h>
#include <tern/watch.h>

struct tcb;

enum { ENV_RESTING = 16 };

struct tcp_env {
	struct tern_config  config; /* every default filled in */
	struct mem	   *mem;
	struct pages_pool   pages;
	struct slices_pool  slices;
	struct pool	    warm; /* struct tcb_warm */
	struct {
		bool	    kept; /* else none stays */
		uint8_t	    next;
		struct tcb *at[ENV_RESTING]; /* a ring; NULL: none; the block may be another's by now */
	} resting; /* warm.h */
	struct pool	    paths; /* struct tcb_path */
	struct tern_stats   stats;
	struct tern_watcher watcher; /* event NULL: none */
	struct {
		uint32_t initial, min, max; /* of config, microseconds: asked for each flight */
	} rto_us;
	struct siphash_key  isn_key, port_key, cookie_key, table_key;
	uint64_t	    random; /* splitmix64 state: jitter and picks */
	uint8_t		    congestion_control; /* config.congestion_control by number (congestion.h) */
};

/* Fills env from a config (defaults applied, keys derived from the secret). mem stands already. */
void tcp_env_init(struct tcp_env *env, const struct tern_config *config, struct mem *mem);
void tcp_env_done(struct tcp_env *env); /* asserts that nothing is held */

static inline bool env_is_watched(const struct tcp_env *env)
{
	return __builtin_expect(env->watcher.event != NULL, 0);
}

#endif
