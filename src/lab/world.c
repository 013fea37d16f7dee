/* The world of a run: two hosts, a pair of link ends with an impairment on what leaves each, and time that
 * jumps to whatever is due next.
 *
 * It does by itself what loop/ does for programs, because a host here may vanish (be served no more)
 * while the other lives on, and because the order within one moment is part of what is shown: what has
 * arrived goes in, then the programs act, then segments come out. So a FIN that the program sends at once
 * shares the segment of the ACK that was due (three-segment-close).
 *
 * Everything that chance decides hangs on the seed: both secrets, each direction's impairments, forged
 * numbers.
 */
#include "lab/world.h"
#include "base/bytes.h"
#include "base/siphash.h"
#include "watch/host_capture.h"
#include "wire/tuple.h"
#include <string.h>

enum { BATCH = 64, STUCK = 1000 };

const char *const lab_side_names[LAB_SIDES] = { "client", "server" };

/* ---- making it ---- */

static struct tern_addr address_of(const struct lab_options *options, unsigned side)
{
	if (!options->ipv6)
		return addr_v4(UINT32_C(0x0a000001) + side);
	return (struct tern_addr){ { [0] = 0xfd, [15] = (uint8_t)(1 + side) } };
}

static void watch(void *context, const struct tern_watch_event *event)
{
	struct lab_side *const side = context;

	timeline_watch(&side->tap, event);
	if (side->capture != NULL)
		host_capture_event(side->capture, event);
}

static void configure(const struct lab_world *world, unsigned side, struct tern_config *config)
{
	const struct lab_scenario *const scenario = world->scenario;
	tern_config_default(config);
	uint64_t random = world->options->seed ^ (side + 1) * UINT64_C(0x5851f42d4c957f2d);
	for (unsigned i = 0; i < sizeof config->secret; i += 8)
		put64(config->secret + i, splitmix64(&random));
	config->allocator = *tern_allocator_default();
	config->watcher = (struct tern_watcher){ watch, (void *)&world->side[side] };
	if (world->options->cc != NULL)
		config->congestion_control = world->options->cc;
	if (scenario->receive_buffer != 0)
		config->receive_buffer = config->receive_buffer_max = scenario->receive_buffer;
	config->no_sack = scenario->no_sack;
	config->ecn = scenario->ecn;
	if (scenario->syn_ack_retries != 0)
		config->syn_ack_retries = scenario->syn_ack_retries;
	if (scenario->r2 != 0)
		config->r2 = scenario->r2;
	for (size_t i = 0; i < world->options->n_set; i++)
		if (world->options->set[i].sides >> side & 1)
			(void)lab_set_apply(&world->options->set[i], config, NULL); /* it did when it was read */
}

static int create_host(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	struct tern_config config;
	configure(world, side, &config);
	if (world->recording != NULL)
		return tern_recording_host(world->recording, &at->host, &config, lab_side_names[side], world->now);
	return tern_host_create(&at->host, &config, world->now);
}

/* The impairment on what leaves this side. */
static int impair(struct lab_world *world, unsigned side, struct tern_link *end)
{
	struct lab_side *const at = &world->side[side];
	struct tern_impair settings = world->options->impair;
	settings.seed = world->options->seed * 2 + side;
	settings.drop = world->options->drop[side];
	settings.n_drop = world->options->n_drop[side];
	settings.mtu = world->scenario->black_hole;
	settings.ce_threshold = world->scenario->ce_threshold;
	settings.fate = timeline_fate;
	settings.context = &at->tap;
	at->impair = settings;
	const int error = tern_impair_create(&at->link, end, &settings, tern_allocator_default());
	if (error != 0)
		end->ops->close(end);
	return error;
}

static int connect_host(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const bool v6 = world->options->ipv6;
	const struct tern_addr any = v6 ? (struct tern_addr){ { 0 } } : addr_v4(0);
	int error = tern_host_add_link(at->host, &at->link->config, &at->number);
	if (error == 0)
		error = tern_host_add_address(at->host, at->number, &at->addr, v6 ? 64 : 24);
	if (error == 0) /* forged addresses are somewhere behind the link */
		error = tern_host_add_route(at->host, &any, 0, at->number, NULL);
	return error;
}

static int create_links(struct lab_world *world)
{
	struct tern_link *end[LAB_SIDES];
	const struct tern_link_config config = { .mtu = world->options->mtu };
	int error = tern_pair_create(end, &config, tern_allocator_default());
	if (error != 0)
		return error;
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const int failed = impair(world, side, end[side]);
		if (failed != 0)
			error = failed;
	}
	return error;
}

int lab_world_create(struct lab_world *world, const struct lab_options *options, const char *command,
		     const char **what)
{
	*world = (struct lab_world){ .options = options, .scenario = options->scenario };
	world->random = options->seed ^ UINT64_C(0x2545f4914f6cdd1d);
	timeline_init(&world->timeline, lab_side_names[0], lab_side_names[1]);
	for (unsigned i = 0; i < LAB_FORGED; i++)
		world->forged[i].arrives = TERN_NEVER;
	*what = "recording";
	if (options->record != NULL) {
		const int error = tern_recording_create(&world->recording, options->record, command);
		if (error != 0)
			return error;
	}
	int error = 0;
	for (unsigned side = 0; side < LAB_SIDES && error == 0; side++)
		if (options->pcap[side] != NULL) {
			*what = options->pcap[side];
			error = host_capture_open(&world->side[side].capture, options->pcap[side], PCAPNG_RAW,
						  lab_side_names[side]);
		}
	if (error != 0)
		return error;
	*what = "links";
	error = create_links(world);
	for (unsigned side = 0; side < LAB_SIDES && error == 0; side++) {
		struct lab_side *const at = &world->side[side];
		at->addr = address_of(options, side);
		at->tap = (struct timeline_tap){ &world->timeline, side };
		at->actor.step = world->scenario->program[side];
		if (world->scenario->flaw[side] != LAB_WHOLE) {
			lab_broken_create(world, side);
			continue;
		}
		*what = "host";
		error = create_host(world, side);
		if (error == 0) {
			*what = "link";
			error = connect_host(world, side);
		}
	}
	return error;
}

/* ---- running it ---- */

void lab_input(struct lab_world *world, unsigned side, tern_packet *const batch[], size_t n)
{
	const struct lab_side *const at = &world->side[side];

	if (at->capture != NULL)
		host_capture_coming(at->capture, batch, n);
	tern_host_input(at->host, batch, n, world->now);
	if (at->capture != NULL)
		host_capture_came(at->capture, batch, n, world->now);
}

static size_t receive(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	tern_packet *batch[BATCH];
	const size_t n = at->link->ops->receive(at->link, batch, BATCH, world->now);
	for (size_t i = 0; i < n; i++) {
		batch[i]->link = at->number;
		if (at->host == NULL)
			lab_broken_input(world, side, batch[i]->part[0].at, batch[i]->len, batch[i]->mark);
	}
	if (n > 0 && at->host != NULL && !at->vanished)
		lab_input(world, side, batch, n);
	return n;
}

static size_t send(struct lab_world *world, struct lab_side *at)
{
	tern_packet *batch[BATCH];
	if (at->vanished || at->host == NULL)
		return 0;
	const size_t n = tern_host_output(at->host, batch, BATCH, world->now);
	if (at->capture != NULL)
		host_capture_left(at->capture, batch, n, world->now);
	const size_t taken = n > 0 ? at->link->ops->send(at->link, batch, n, world->now) : 0;
	for (size_t i = taken; i < n; i++) /* impair takes everything; what it cannot keep it loses and tells */
		tern_packet_done(batch[i]);
	return n;
}

/* Programs look at levels; of the edges only the end of a connection is of use to them. */
static size_t take_events(struct lab_side *at)
{
	struct tern_event event;
	size_t n = 0;
	while (at->host != NULL && !at->vanished && tern_host_event(at->host, &event)) {
		const struct lab_actor *const actor = &at->actor;
		const bool is_ours = actor->has_socket && event.socket.index == actor->socket.index &&
				     event.socket.generation == actor->socket.generation;
		if (is_ours && (event.ready & (TERN_ERROR | TERN_CLOSED)))
			at->actor.ended = true;
		n++;
	}
	return n;
}

/* Everything that can happen at this moment. */
static bool serve(struct lab_world *world)
{
	bool any = false, more = true;
	for (unsigned side = 0; side < LAB_SIDES; side++)
		if (world->side[side].host != NULL && !world->side[side].vanished)
			tern_host_advance(world->side[side].host, world->now);
	while (more) {
		size_t moved = lab_forged_arrive(world);
		for (unsigned side = 0; side < LAB_SIDES; side++)
			moved += receive(world, side);
		for (unsigned side = 0; side < LAB_SIDES; side++)
			moved += take_events(&world->side[side]);
		for (unsigned side = LAB_SIDES; side-- > 0;) /* the server first: it listens before it is called */
			moved += lab_actor_run(world, side);
		for (unsigned side = 0; side < LAB_SIDES; side++)
			moved += send(world, &world->side[side]);
		more = moved > 0;
		any = any || more;
	}
	return any;
}

static tern_time next_moment(const struct lab_world *world)
{
	tern_time at = lab_forged_deadline(world);
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const struct lab_side *const one = &world->side[side];
		at = min_i64(at, one->link->ops->deadline(one->link));
		if (one->vanished)
			continue;
		if (one->host != NULL)
			at = min_i64(at, tern_host_deadline(one->host));
		at = min_i64(at, lab_actor_deadline(world, side));
	}
	return at;
}

static void sample(struct lab_world *world)
{
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const struct lab_actor *const actor = &world->side[side].actor;
		struct tern_status status;

		if (actor->has_socket && tern_status(world->side[side].host, actor->socket, &status) == 0)
			plot_sample(&world->plot[side], world->now, &status);
	}
}

void lab_world_run(struct lab_world *world)
{
	/* Some things never end by themselves: probes of a zero window do not (MUST-37). */
	const tern_time end = world->scenario->end != 0 ? world->scenario->end : 4 * 3600 * TERN_SECOND;
	unsigned stuck = 0;
	for (;;) {
		const bool moved = serve(world);
		if (world->options->plot || world->options->n_compare > 0)
			sample(world);
		const tern_time next = next_moment(world);
		if (next == TERN_NEVER || next > end)
			return;
		if (next > world->now) {
			world->now = next;
			stuck = 0;
		} else if (!moved && ++stuck > STUCK) {
			world->problem = "something is due, but nothing comes of it";
			return;
		}
	}
}

const struct tern_status *lab_last_status(struct lab_world *world, unsigned side)
{
	struct lab_actor *const actor = &world->side[side].actor;

	if (actor->has_socket && tern_status(world->side[side].host, actor->socket, &actor->last) == 0)
		actor->has_last = true;
	return actor->has_last ? &actor->last : NULL;
}

void lab_world_delay(struct lab_world *world, unsigned side, tern_time delay)
{
	struct lab_side *const at = &world->side[side];
	at->impair.delay = delay != 0 ? delay : world->options->impair.delay;
	(void)tern_impair_set(at->link, &at->impair); /* it differs from valid settings by a delay alone */
}

int lab_world_destroy(struct lab_world *world, const char **what)
{
	const char *failed = world->options->record;
	int	    error = 0;

	for (unsigned side = 0; side < LAB_SIDES; side++)
		if (world->side[side].link != NULL)
			world->side[side].link->ops->close(world->side[side].link);
	for (unsigned side = 0; side < LAB_SIDES; side++)
		if (world->side[side].host != NULL)
			tern_host_destroy(world->side[side].host);
	timeline_done(&world->timeline);
	if (world->recording != NULL)
		error = tern_recording_close(world->recording);
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const int one = host_capture_close(world->side[side].capture);

		world->side[side].capture = NULL;
		if (one != 0 && error == 0) {
			error = one;
			failed = world->options->pcap[side];
		}
	}
	if (what != NULL)
		*what = failed;
	return error;
}
