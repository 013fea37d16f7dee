/* One host as a whole: its making and its end, its links, addresses and routes, the blocks that the
 * other rooms ask for, memory under pressure, and the looking on.
 *
 * Every byte of a host, struct tern_host too, is charged to its budget.
 */
#include "host/internal.h"

#include "tcp/warm.h"
#include "wire/nd.h"

enum {
	LINK_LOCAL_BITS = 64,
	SHED_LOOKS = 64, /* blocks asked in one go: a spent budget must not make every segment a scan */
	RING_STRIDE = (sizeof(struct bounce) + HOST_BOUNCE_BYTES + 15) / 16 * 16,
};

/* ---- the table's questions ---- */

static bool entry_is(void *context, demux_ref ref, const struct tern_tuple *tuple)
{
	struct tern_host *const host = context;
	const uint32_t		index = demux_ref_index(ref);

	switch (demux_ref_kind(ref)) {
	case DEMUX_BLOCK:
		return tcb_is(tcb_pool_at(&host->blocks, index), tuple);
	case DEMUX_HALF_OPEN:
		return half_open_is(&host->half_opens, index, tuple);
	case DEMUX_TIME_WAIT:
		return time_wait_is(&host->time_wait, index, tuple);
	default:
		return false;
	}
}

static void entry_tuple(void *context, demux_ref ref, struct tern_tuple *tuple)
{
	struct tern_host *const host = context;
	const uint32_t		index = demux_ref_index(ref);

	switch (demux_ref_kind(ref)) {
	case DEMUX_BLOCK:
		tcb_get_tuple(tcb_pool_at(&host->blocks, index), tuple);
		break;
	case DEMUX_HALF_OPEN:
		half_open_tuple(&host->half_opens, index, tuple);
		break;
	default:
		tern_assert(demux_ref_kind(ref) == DEMUX_TIME_WAIT);
		time_wait_tuple(&host->time_wait, index, tuple);
	}
}

/* A TIME-WAIT entry has another place now. */
static void time_wait_moved(void *context, const struct tern_tuple *tuple, uint32_t from, uint32_t to)
{
	struct tern_host *const host = context;

	demux_replace(&host->demux, tuple, demux_ref_of(DEMUX_TIME_WAIT, from), demux_ref_of(DEMUX_TIME_WAIT, to));
}

/* ---- making and ending ---- */

/* What takes no memory yet, so that host_free() may follow at any point. */
static void host_init(struct tern_host *host, const struct tern_config *config, tern_time now)
{
	struct mem *const	  mem = &host->mem;
	struct siphash_key *const key = &host->env.table_key;

	tcp_env_init(&host->env, config, mem);
	host->sum = host->env.pages.unit;
	host->env.resting.kept = true;
	host->now = now;
	tcb_pool_init(&host->blocks, &host->env, config->connections_max);
	wheel_init(&host->wheel, mem, now);
	listen_init(&host->listeners, mem);
	datagrams_init(&host->datagrams);
	half_open_init(&host->half_opens, mem, config->half_open_max);
	time_wait_init(&host->time_wait, mem, 2 * config->msl, config->time_wait_max, time_wait_moved, host);
	routes_init(&host->routes, mem);
	path_mtu_init(&host->path_mtu, mem, key);
	neighbours_init(&host->neighbours, mem, key, config->packets / HOST_WAITING_SHARE);
	ip_reassembly_init(&host->reassembly, mem, key, config->reassembly_timeout);
	icmp_limit_init(&host->icmp_limit, key, splitmix64(&host->env.random));
	fragment_ids_init(&host->fragment_ids, key);
	list_init(&host->ready, LIST_READY);
	list_init(&host->events, LIST_EVENTS);
}

static int host_allocate(struct tern_host *host)
{
	const uint32_t		 packets = host->env.config.packets;
	const struct demux_owner owner = { entry_is, entry_tuple, host };

	if (demux_init(&host->demux, &host->mem, &host->env.table_key, &owner) != 0)
		return -TERN_ENOMEM;
	host->packets = mem_get(&host->mem, packets * sizeof *host->packets, 0, MEM_ORDINARY);
	host->bounces = mem_get(&host->mem, HOST_BOUNCES * (size_t)RING_STRIDE, 0, MEM_ORDINARY);
	if (!host->packets || !host->bounces)
		return -TERN_ENOMEM;
	for (uint32_t i = packets; i-- > 0;) {
		host->packets[i].host = host;
		host->packets[i].next = host->free_packets;
		host->free_packets = &host->packets[i];
		host->n_free_packets++;
	}
	for (uint32_t i = HOST_BOUNCES; i-- > 0;) {
		struct bounce *const bounce = (struct bounce *)(void *)(host->bounces + i * (size_t)RING_STRIDE);

		bounce->size = HOST_BOUNCE_BYTES;
		bounce_put(host, bounce);
	}
	return 0;
}

static void host_free(struct tern_host *host)
{
	struct mem mem;

	listen_done(&host->listeners);
	datagrams_done(host);
	time_wait_done(&host->time_wait);
	half_open_done(&host->half_opens);
	if (host->demux.mem)
		demux_done(&host->demux);
	tcb_pool_done(&host->blocks);
	wheel_done(&host->wheel);
	ip_reassembly_done(&host->reassembly);
	path_mtu_done(&host->path_mtu);
	neighbours_done(&host->neighbours);
	routes_done(&host->routes);
	mem_put(&host->mem, host->loop_buffer, HOST_LOOPBACK_MTU);
	mem_put(&host->mem, host->bounces, HOST_BOUNCES * (size_t)RING_STRIDE);
	mem_put(&host->mem, host->packets, host->env.config.packets * sizeof *host->packets);
	tcp_env_done(&host->env);
	mem = host->mem;
	mem_put(&mem, host, sizeof *host);
	tern_assert(mem.used == 0);
}

int tern_host_create(tern_host **host, const struct tern_config *config, tern_time now)
{
	struct tern_config full;
	struct mem	   mem;

	*host = NULL;
	if (config_fill(&full, config) != 0)
		return -TERN_EINVAL;
	mem_init(&mem, &full.allocator, full.memory_limit, full.memory_reserve);
	struct tern_host *const made = mem_get(&mem, sizeof *made, _Alignof(struct tern_host), MEM_ORDINARY);
	if (!made)
		return -TERN_ENOMEM;
	made->mem = mem;
	host_init(made, &full, now);
	if (host_allocate(made) != 0) {
		host_free(made);
		return -TERN_ENOMEM;
	}
	*host = made;
	return 0;
}

static void drop_packets(struct tern_host *host, struct packet_list *list)
{
	struct tern_packet *packet;

	while ((packet = packet_pop(list)))
		packet_free(host, packet);
}

static void drop_waiting(struct tern_host *host)
{
	struct tern_packet *packet;

	neighbours_clear(&host->neighbours);
	while ((packet = packet_pop(&host->neighbours.given_up)))
		packet_free(host, packet);
	while ((packet = packet_pop(&host->neighbours.unreachable)))
		packet_free(host, packet);
}

void tern_host_destroy(tern_host *host)
{
	struct reply reply;
	struct tcb  *tcb;

	if (!host)
		return;
	tern_assert(host->n_out == 0);
	drop_packets(host, &host->made);
	drop_packets(host, &host->loop);
	drop_waiting(host);
	while (reply_take(host, &reply))
		bounce_put(host, reply.bounce);
	for (uint32_t from = 0; (tcb = tcb_pool_from(&host->blocks, from));) {
		from = tcb_index(tcb) + 1; /* onwards: from 0 again each time would be quadratic */
		tcp_release(tcb);
		tcb_pool_put(&host->blocks, tcb);
	}
	host_free(host);
}

/* ---- time ---- */

void host_set_now(struct tern_host *host, tern_time now)
{
	if (now <= host->now)
		return;
	if (host->noted.taken != 0)
		timers_until(host, now);
	host->now = now;
}

void tern_host_advance(tern_host *host, tern_time now)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ADVANCE, .now = now });
	host_set_now(host, now);
	timers_run(host);
	host_tell_unreachable(host);
	host_shed(host);
}

tern_time tern_host_deadline(const tern_host *host)
{
	return timers_deadline(host);
}

tern_time tern_host_now(const tern_host *host)
{
	return host->now;
}

/* ---- blocks and memory ---- */

static void trim_pools(struct tern_host *host)
{
	(void)tcb_rest_over(&host->env);
	slices_pool_trim(&host->env.slices);
	pages_pool_trim(&host->env.pages);
	pool_trim(&host->env.warm);
	pool_trim(&host->env.paths);
}

/* Asks the next few blocks to give back what is advisory, and ends those that hold text for peers that take none. */
static void shed_some(struct tern_host *host)
{
	for (int looks = 0; looks < SHED_LOOKS; looks++) {
		struct tcb *tcb = tcb_pool_from(&host->blocks, host->shed_from);

		if (!tcb) {
			host->shed_from = 0;
			break;
		}
		host->shed_from = tcb_index(tcb) + 1;
		if (tcp_shed(tcb) || tcp_evict(tcb, host->now))
			settle_block(host, tcb);
	}
}

void host_shed(struct tern_host *host)
{
	const uint64_t refusals = host->mem.refused + host->mem.failed;

	if (refusals == host->refusals)
		return;
	host->env.stats.TCPMemoryPressures++;
	shed_some(host);
	trim_pools(host);
	host->refusals = host->mem.refused + host->mem.failed;
}

struct tcb *host_new_block(struct tern_host *host, const struct tern_tuple *tuple, demux_ref replaces)
{
	struct tcb *tcb = tcb_pool_get(&host->blocks);

	if (!tcb) {
		host_shed(host);
		tcb = tcb_pool_get(&host->blocks);
	}
	if (!tcb)
		return NULL;
	tcb_set_tuple(tcb, tuple);
	const demux_ref ref = demux_ref_of(DEMUX_BLOCK, tcb_index(tcb));
	if (replaces.v != 0) {
		demux_replace(&host->demux, tuple, replaces, ref);
	} else if (demux_insert(&host->demux, tuple, ref) != 0) {
		tcb_pool_put(&host->blocks, tcb);
		return NULL;
	}
	return tcb;
}

void host_drop_block(struct tern_host *host, struct tcb *tcb)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	(void)demux_remove(&host->demux, &tuple, demux_ref_of(DEMUX_BLOCK, tcb_index(tcb)));
	tcp_release(tcb);
	tcb_pool_put(&host->blocks, tcb);
}

enum tern_verdict host_verdict(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
			       const struct tcp_segment *seg, enum tern_verdict verdict, uint64_t mark)
{
	host->env.stats.TernVerdict[verdict]++;
	if (env_is_watched(&host->env))
		watch_segment_rx(&host->env, tuple, state, seg, verdict, mark, NULL, host->now);
	return verdict;
}

/* ---- links, addresses, routes ---- */

void host_forget_ways(struct tern_host *host)
{
	host->last_route_known = false;
	host->last.in_known = host->last.in_plain = host->last.out_known = false;
}

static bool is_last_route(const struct tern_host *host, uint32_t zone, const struct tern_addr *dst)
{
	return host->last_route_known && host->last_zone == zone && addr_equal(&host->last_dst, dst);
}

bool host_route(struct tern_host *host, uint32_t zone, const struct tern_addr *dst, struct route *route)
{
	if (!is_last_route(host, zone, dst)) {
		host->last_route_known = route_find(&host->routes, zone, dst, &host->last_route);
		host->last_dst = *dst;
		host->last_dst_is_one = false;
		host->last_zone = zone;
	}
	*route = host->last_route;
	return host->last_route_known;
}

bool host_reaches_one(struct tern_host *host, uint32_t zone, const struct tern_addr *dst)
{
	const bool known = is_last_route(host, zone, dst);

	if (known && host->last_dst_is_one)
		return true;
	const bool one = route_kind_of(&host->routes, zone, dst) != ROUTE_BROADCAST;

	host->last_dst_is_one = known && one;
	return one;
}

/* The smallest that is known of the way (SHLD-6). */
uint32_t host_mtu(const struct tern_host *host, const struct tern_tuple *tuple)
{
	const bool   is_last = is_last_route(host, tuple->zone, &tuple->remote);
	struct route route = host->last_route;

	if (!is_last && !route_find(&host->routes, tuple->zone, &tuple->remote, &route))
		return 0;
	if (route.link == ROUTE_LOOPBACK)
		return HOST_LOOPBACK_MTU;
	if (host->env.config.no_path_mtu_discovery)
		return route.mtu;
	return path_mtu_of(&host->path_mtu, &tuple->remote, tuple->zone, route.mtu, host->now);
}

int tern_host_add_link(tern_host *host, const struct tern_link_config *config, uint8_t *link)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ADD_LINK, .data = config });
	if (config->ethernet && !ethernet_is_station(config->mac))
		return -TERN_EINVAL;
	if (config->ethernet && neighbours_start(&host->neighbours) != 0)
		return -TERN_ENOMEM;
	const int result = route_add_link(&host->routes, config->mtu, config->zone, link);

	if (result == 0)
		host->links[*link] = *config;
	host_forget_ways(host);
	return result;
}

int tern_host_set_link_mtu(tern_host *host, uint8_t link, uint32_t mtu)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_SET_LINK_MTU, .a = link, .b = mtu });
	const int result = route_set_mtu(&host->routes, link, mtu);

	if (result != 0)
		return result;
	host->links[link].mtu = mtu;
	host_forget_ways(host);
	for (struct tcb *tcb = tcb_pool_from(&host->blocks, 0); tcb;) {
		const uint32_t	  index = tcb_index(tcb);
		struct tern_tuple tuple;
		struct route	  route;

		tcb_get_tuple(tcb, &tuple);
		if (state_is_synchronized((enum tcp_state)tcb->state) && !tcb->detached &&
		    route_find(&host->routes, tuple.zone, &tuple.remote, &route) && route.link == link) {
			tcp_path_mtu(tcb, host_mtu(host, &tuple), host->now);
			settle_block(host, tcb);
		}
		tcb = tcb_pool_from(&host->blocks, index + 1);
	}
	return 0;
}

int tern_host_add_address(tern_host *host, uint8_t link, const struct tern_addr *addr, unsigned bits)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_ADD_ADDRESS, .a = link, .b = (int64_t)bits, .data = addr });
	host_forget_ways(host);
	return route_add_address(&host->routes, link, addr, bits);
}

int tern_host_add_link_local(tern_host *host, uint8_t link)
{
	if (link >= host->routes.n_links || !host->links[link].ethernet)
		return -TERN_EINVAL;
	const struct tern_addr addr = nd_link_local(host->links[link].mac);
	return tern_host_add_address(host, link, &addr, LINK_LOCAL_BITS);
}

int tern_host_remove_address(tern_host *host, const struct tern_addr *addr)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_REMOVE_ADDRESS, .data = addr });
	host_forget_ways(host);
	return route_remove_address(&host->routes, addr);
}

int tern_host_add_route(tern_host *host, const struct tern_addr *prefix, unsigned bits, uint8_t link,
			const struct tern_addr *next_hop)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ADD_ROUTE,
						      .a = link,
						      .b = (int64_t)bits,
						      .data = prefix,
						      .more = next_hop });
	host_forget_ways(host);
	return route_add(&host->routes, prefix, bits, link, next_hop);
}
