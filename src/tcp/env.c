#include "tcp/env.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/warm.h"

enum { WARM_KEPT = 256, PATHS_KEPT = 64 };

/* One secret, several keys: each use hashes its own label under it. */
static struct siphash_key derive(const uint8_t secret[32], uint8_t label)
{
	const struct siphash_key first = { get64(secret), get64(secret + 8) };
	uint8_t message[17];

	memcpy(message, secret + 16, 16);
	message[16] = label;
	const uint64_t k0 = siphash24(&first, message, sizeof message);
	message[16] = (uint8_t)(label | 0x80);
	return (struct siphash_key){ k0, siphash24(&first, message, sizeof message) };
}

void tcp_env_init(struct tcp_env *env, const struct tern_config *config, struct mem *mem)
{
	*env = (struct tcp_env){ .config = *config, .mem = mem, .watcher = config->watcher };
	env->rto_us.initial = (uint32_t)(config->rto_initial / TERN_MICROSECOND);
	env->rto_us.min = (uint32_t)(config->rto_min / TERN_MICROSECOND);
	env->rto_us.max = (uint32_t)(config->rto_max / TERN_MICROSECOND);
	pages_pool_init(&env->pages, mem);
	slices_pool_init(&env->slices, mem);
	pool_init(&env->warm, mem, sizeof(struct tcb_warm), 0, WARM_KEPT);
	pool_init(&env->paths, mem, sizeof(struct tcb_path), 0, PATHS_KEPT);
	env->congestion_control = (uint8_t)cc_by_name(config, config->congestion_control);
	env->isn_key = derive(config->secret, 1);
	/* 2 was used once */
	env->port_key = derive(config->secret, 3);
	env->cookie_key = derive(config->secret, 4);
	env->table_key = derive(config->secret, 5);
	env->random = derive(config->secret, 6).k0;
}

void tcp_env_done(struct tcp_env *env)
{
	pool_done(&env->paths);
	pool_done(&env->warm);
	slices_pool_done(&env->slices);
	pages_pool_done(&env->pages);
}
