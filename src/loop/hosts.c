/* tern_hosts: threads, each with a loop and a host, joined by nothing but the rings of link/steer.c.
 *
 * What the program asks of all of them is posted to each loop and waited for; while no thread runs it is done in
 * the caller's. A thread ends when a post tells its loop to stop, so whatever was posted before has run.
 */
#include "loop/hosts.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "link/steer.h"
#include "wire/share.h"

/* ---- making ---- */

static unsigned cpus(cpu_set_t *set)
{
	CPU_ZERO(set);
	if (sched_getaffinity(0, sizeof *set, set) != 0)
		return 1;
	const int n = CPU_COUNT(set);
	return n < 1 ? 1 : n > TERN_SHARE_MOST ? TERN_SHARE_MOST : (unsigned)n;
}

/* The i-th number that follows from the secret. */
static uint64_t derive(const struct tern_config *config, uint32_t member, uint32_t i)
{
	struct siphash_key key[2];
	uint8_t		   name[8];

	memcpy(key, config->secret, sizeof key);
	put32(name, member);
	put32(name + 4, i);
	return siphash24(&key[0], name, sizeof name) ^ siphash24(&key[1], name, sizeof name);
}

/* Where a limit is said, its part; 1 at least. */
static uint32_t part_of(uint32_t limit, unsigned n)
{
	return limit ? max_u32(limit / n, 1) : 0;
}

static void pass_fragments(void *context, unsigned to, uint8_t link, const uint8_t *packet, uint32_t n)
{
	struct member *const member = context;

	if (link < HOSTS_LINKS && member->link[link])
		(void)steer_pass(member->link[link], to, packet, n);
}

static struct tern_config config_for(struct tern_hosts *hosts, unsigned i, const struct tern_config *common)
{
	struct tern_config config = *common;

	for (uint32_t k = 0; k < sizeof config.secret / 8; k++) {
		const uint64_t word = derive(common, i, k);
		memcpy(config.secret + (size_t)8 * k, &word, 8);
	}
	config.memory_limit /= hosts->n;
	config.memory_reserve /= hosts->n;
	config.connections_max = part_of(config.connections_max, hosts->n);
	config.half_open_max = part_of(config.half_open_max, hosts->n);
	config.time_wait_max = part_of(config.time_wait_max, hosts->n);
	config.share = hosts->share;
	config.share.index = (uint16_t)i;
	config.share.pass = pass_fragments;
	config.share.context = &hosts->member[i];
	return config;
}

static int make_member(struct tern_hosts *hosts, unsigned i, const struct tern_config *common)
{
	struct member *const	 member = &hosts->member[i];
	const struct tern_config config = config_for(hosts, i, common);

	member->hosts = hosts;
	member->i = i;
	int error = tern_loop_create(&member->loop, hosts->clock);
	if (!error)
		error = tern_host_create(&member->host, &config, tern_loop_now(member->loop));
	if (!error) /* the loop's, with or without links */
		error = tern_loop_on_event(member->loop, member->host, NULL, NULL);
	return error;
}

/* The caller's settings, what they leave out filled in: 0 or -TERN_E.... */
static int settle_config(struct tern_config *config, const struct tern_config *from)
{
	struct tern_config defaults;

	tern_config_default(&defaults);
	*config = from ? *from : defaults;
	if (!config->memory_limit)
		config->memory_limit = defaults.memory_limit;
	if (!config->port_low)
		config->port_low = defaults.port_low;
	if (!config->port_high)
		config->port_high = defaults.port_high;
	if (!config->allocator.alloc)
		config->allocator = *tern_allocator_default();
	if (!from && getrandom(config->secret, sizeof config->secret, 0) != sizeof config->secret)
		return -TERN_EACCES;
	return 0;
}

int tern_hosts_create(tern_hosts **out, const struct tern_hosts_settings *settings)
{
	struct tern_config config;
	cpu_set_t	   set;

	if (!out || !settings || settings->n > TERN_SHARE_MOST ||
	    (settings->clock != TERN_CLOCK_REAL && settings->clock != TERN_CLOCK_VIRTUAL))
		return -TERN_EINVAL;
	const unsigned n = settings->n ? settings->n : cpus(&set);
	int	       error = settle_config(&config, settings->config);
	if (error)
		return error;
	tern_hosts *const hosts = calloc(1, sizeof *hosts + n * sizeof hosts->member[0]);
	if (!hosts)
		return -TERN_ENOMEM;
	hosts->n = n;
	hosts->clock = settings->clock;
	hosts->pin = settings->pin;
	hosts->share = (struct tern_share){ .key = { derive(&config, UINT32_MAX, 0), derive(&config, UINT32_MAX, 1) },
					    .n = (uint16_t)n,
					    .port_low = config.port_low,
					    .port_high = config.port_high };
	for (unsigned i = 0; i < n && !error; i++)
		error = make_member(hosts, i, &config);
	if (error) {
		tern_hosts_destroy(hosts);
		return error;
	}
	*out = hosts;
	return 0;
}

void tern_hosts_destroy(tern_hosts *hosts)
{
	if (!hosts)
		return;
	(void)tern_hosts_stop(hosts);
	for (unsigned i = 0; i < hosts->n; i++)
		tern_loop_destroy(hosts->member[i].loop);
	for (unsigned i = 0; i < hosts->n; i++)
		if (hosts->member[i].host)
			tern_host_destroy(hosts->member[i].host);
	free(hosts);
}

unsigned tern_hosts_count(const tern_hosts *hosts)
{
	return hosts->n;
}

tern_host *tern_hosts_host(const tern_hosts *hosts, unsigned i)
{
	return i < hosts->n ? hosts->member[i].host : NULL;
}

tern_loop *tern_hosts_loop(const tern_hosts *hosts, unsigned i)
{
	return i < hosts->n ? hosts->member[i].loop : NULL;
}

unsigned tern_hosts_owner(const tern_hosts *hosts, const struct tern_tuple *tuple)
{
	return share_of_tuple(&hosts->share, tuple);
}

/* ---- links ---- */

static void wake(void *context, unsigned end)
{
	const tern_hosts *const hosts = context;

	loop_wake(hosts->member[end].loop);
}

/* The first `given` ends are loops' already and go with them; the queues are the caller's again. */
static void take_back(struct tern_link *end[], unsigned given, unsigned n)
{
	steer_disown(end, n);
	for (unsigned i = given; i < n; i++)
		end[i]->ops->close(end[i]);
}

int tern_hosts_add(tern_hosts *hosts, struct tern_link *const queue[], unsigned n, uint8_t *number)
{
	struct tern_link	   *end[TERN_SHARE_MOST];
	const struct steer_settings settings = {
		.n = hosts->n,
		.queue = queue,
		.n_queues = n,
		.share = &hosts->share,
		.wake = wake,
		.context = hosts,
		.allocator = tern_allocator_default(),
	};
	uint8_t given = 0;

	if (hosts->runs)
		return -TERN_EALREADY;
	if (!queue || n == 0 || n > hosts->n)
		return -TERN_EINVAL;
	int error = steer_create(end, &settings);
	if (error)
		return error;
	for (unsigned i = 0; i < hosts->n; i++) {
		error = tern_loop_add(hosts->member[i].loop, hosts->member[i].host, end[i], &given);
		if (error) {
			take_back(end, i, hosts->n);
			return error;
		}
		if (given < HOSTS_LINKS)
			hosts->member[i].link[given] = end[i];
	}
	if (number)
		*number = given;
	return 0;
}
