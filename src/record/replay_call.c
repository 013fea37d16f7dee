/* One recorded call, made again. Results are not looked at: a call that failed then fails now, and what
 * matters is what the hosts send.
 */
#include "record/replay.h"
#include <stdlib.h>
#include <string.h>

/* ---- the allocator that fails where it failed ---- */

static void *replay_alloc(void *context, size_t size, size_t align)
{
	struct replay_host *const host = context;
	const struct replay *const replay = host->replay;
	host->allocations++;
	for (size_t i = 0; i < replay->n_failures[host->number]; i++)
		if (replay->failure[host->number][i] == host->allocations)
			return NULL;
	const size_t at_least = align < sizeof(void *) ? sizeof(void *) : align;
	return aligned_alloc(at_least, (size + at_least - 1) / at_least * at_least);
}

static void replay_release(void *context, void *block, size_t size)
{
	(void)context;
	(void)size;
	free(block);
}

int replay_create(struct replay *replay, struct record_call *record)
{
	struct replay_host *const host = &replay->host[record->host];
	struct tern_config config;
	if (host->host != NULL)
		return -TERN_EPROTO;
	*host = (struct replay_host){ .replay = replay, .number = record->host, .now = record->call.now };
	if (!record_get_create(record, &config, host->name, host->cc))
		return -TERN_EPROTO;
	config.allocator = (struct tern_allocator){ .alloc = replay_alloc, .free = replay_release, .context = host };
	if (replay->options != NULL)
		config.watcher = replay->options->watcher;
	const int error = tern_host_create(&host->host, &config, record->call.now);
	if (error == 0)
		replay->result->hosts++;
	else
		host->host = NULL; /* as it went then */
	return error == -TERN_EINVAL ? -TERN_EPROTO : 0;
}

/* ---- packets ---- */

static bool make_room(tern_packet ***list, size_t *room, size_t n)
{
	if (n <= *room)
		return true;
	tern_packet **const more = realloc(*list, n * 2 * sizeof(tern_packet *));
	if (more == NULL)
		return false;
	*list = more;
	*room = n * 2;
	return true;
}

static void show_link(const struct replay_host *host, const struct tern_link_config *config)
{
	const struct tern_replay_options *const options = host->replay->options;

	if (options != NULL && options->link != NULL)
		options->link(options->context, host->number, config);
}

static void show_packets(const struct replay_host *host, enum tern_replay_way way, tern_packet *const batch[], size_t n,
			 tern_time now)
{
	const struct tern_replay_options *const options = host->replay->options;

	if (options != NULL && options->packets != NULL)
		options->packets(options->context, host->number, way, batch, n, now);
}

static int output(struct replay_host *host, const struct tern_record_call *call)
{
	if (call->a < 0 || call->a > REPLAY_OUT_MAX || host->n_out > REPLAY_OUT_MAX)
		return -TERN_EPROTO;
	const size_t room = (size_t)call->a;
	if (!make_room(&host->batch, &host->room, room + 1) ||
	    !make_room(&host->out, &host->out_room, host->n_out + room + 1))
		return -TERN_ENOMEM;
	host->n_made = tern_host_output(host->host, host->batch, room, call->now);
	for (size_t i = 0; i < host->n_made; i++)
		host->out[host->n_out++] = host->batch[i];
	show_packets(host, TERN_REPLAY_LEFT, host->batch, host->n_made, call->now);
	return 0;
}

static void packet_done(struct replay_host *host, uint64_t id)
{
	for (size_t i = 0; i < host->n_out; i++) {
		if (host->out[i]->id != id)
			continue;
		tern_packet_done(host->out[i]);
		memmove(host->out + i, host->out + i + 1, (host->n_out - i - 1) * sizeof(tern_packet *));
		host->n_out--;
		return;
	}
}

static int input(struct replay_host *host, struct record_call *record)
{
	const size_t n = record->call.n;
	if (n > REPLAY_OUT_MAX)
		return -TERN_EPROTO;
	tern_packet *const packets = calloc(n + 1, sizeof *packets);
	tern_packet **const batch = calloc(n + 1, sizeof(tern_packet *));
	int error = packets != NULL && batch != NULL ? 0 : -TERN_ENOMEM;
	for (size_t i = 0; i < n && error == 0; i++) {
		batch[i] = &packets[i];
		if (!record_get_packet(&record->rest, batch[i]))
			error = -TERN_EPROTO;
	}
	if (error == 0) {
		show_packets(host, TERN_REPLAY_COMING, batch, n, record->call.now);
		tern_host_input(host->host, batch, n, record->call.now);
		show_packets(host, TERN_REPLAY_CAME, batch, n, record->call.now);
	}
	free(packets);
	free(batch);
	return error;
}

/* ---- calls that carry octets ---- */

static void release_copy(void *context, const void *from, size_t n)
{
	(void)from;
	(void)n;
	free(context);
}

static int send_owned(struct replay_host *host, const struct tern_record_call *call)
{
	void *const copy = malloc(call->n + 1);
	if (copy == NULL)
		return -TERN_ENOMEM;
	memcpy(copy, call->data, call->n);
	if (tern_send_owned(host->host, call->socket, copy, call->n, (unsigned)call->a, release_copy, copy) < 0)
		free(copy);
	return 0;
}

static int receive(struct replay_host *host, const struct tern_record_call *call)
{
	if (call->a < 0 || call->a > RECORD_BODY_MAX)
		return -TERN_EPROTO;
	void *const to = malloc((size_t)call->a + 1);
	if (to == NULL)
		return -TERN_ENOMEM;
	(void)tern_receive(host->host, call->socket, to, (size_t)call->a);
	free(to);
	return 0;
}

/* Memory that nothing writes to any more goes. */
static void forget_post(struct replay_host *host, tern_socket socket)
{
	for (struct replay_post **at = &host->posts; *at != NULL; at = &(*at)->next) {
		struct replay_post *const post = *at;
		if (post->socket.index != socket.index || post->socket.generation != socket.generation)
			continue;
		*at = post->next;
		free(post);
		return;
	}
}

static int receive_post(struct replay_host *host, const struct tern_record_call *call)
{
	if (call->a < 0 || call->a > RECORD_BODY_MAX)
		return -TERN_EPROTO;
	struct replay_post *const post = malloc(sizeof *post + (size_t)call->a + 1);
	if (post == NULL)
		return -TERN_ENOMEM;
	if (tern_receive_post(host->host, call->socket, post->bytes, (size_t)call->a) < 0) {
		free(post);
		return 0;
	}
	forget_post(host, call->socket); /* of before: it was taken back by a call that has no other trace */
	post->socket = call->socket;
	post->next = host->posts;
	host->posts = post;
	return 0;
}

static int pack_out(struct replay_host *host, const struct tern_record_call *call)
{
	if (call->a < 0 || call->a > RECORD_BODY_MAX)
		return -TERN_EPROTO;
	void *const to = malloc((size_t)call->a + 1);
	if (to == NULL)
		return -TERN_ENOMEM;
	(void)tern_pack_out(host->host, call->socket, to, (size_t)call->a);
	free(to);
	return 0;
}

static void set_congestion(struct replay_host *host, const struct tern_record_call *call)
{
	char name[64] = "";
	if (call->n < sizeof name)
		memcpy(name, call->data, call->n);
	(void)tern_set_congestion_control(host->host, call->socket, name);
}

/* ---- the switch ---- */

/* Of the host: tern/host.h. 1: not one of these. */
static int host_call(struct replay_host *host, struct record_call *record)
{
	const struct tern_record_call *const call = &record->call;
	struct tern_event event;
	uint8_t link;
	switch (call->op) {
	case TERN_RECORD_ADD_LINK:
		if (tern_host_add_link(host->host, call->data, &link) == 0)
			show_link(host, call->data);
		return 0;
	case TERN_RECORD_SET_LINK_MTU:
		(void)tern_host_set_link_mtu(host->host, (uint8_t)call->a, (uint32_t)call->b);
		return 0;
	case TERN_RECORD_ADD_ADDRESS:
		(void)tern_host_add_address(host->host, (uint8_t)call->a, call->data, (unsigned)call->b);
		return 0;
	case TERN_RECORD_REMOVE_ADDRESS:
		(void)tern_host_remove_address(host->host, call->data);
		return 0;
	case TERN_RECORD_SET_NEIGHBOUR:
		(void)tern_host_set_neighbour(host->host, (uint8_t)call->a, call->data, call->more);
		return 0;
	case TERN_RECORD_ADD_ROUTE:
		(void)tern_host_add_route(host->host, call->data, (unsigned)call->b, (uint8_t)call->a, call->more);
		return 0;
	case TERN_RECORD_INPUT:
		return input(host, record);
	case TERN_RECORD_OUTPUT:
		return output(host, call);
	case TERN_RECORD_PACKET_DONE:
		packet_done(host, (uint64_t)call->a);
		return 0;
	case TERN_RECORD_ADVANCE:
		tern_host_advance(host->host, call->now);
		return 0;
	case TERN_RECORD_EVENT:
		(void)tern_host_event(host->host, &event);
		return 0;
	case TERN_RECORD_TRIM:
		tern_host_trim(host->host);
		return 0;
	default:
		return 1;
	}
}

/* OPEN in its forms, and settings. 1: not one of these. */
static int open_call(struct replay_host *host, const struct tern_record_call *call)
{
	tern_socket socket;
	struct tern_tuple tuple;
	switch (call->op) {
	case TERN_RECORD_CONNECT:
		(void)tern_connect(host->host, call->data, &socket);
		return 0;
	case TERN_RECORD_LISTEN:
		(void)tern_listen(host->host, call->data, &socket);
		return 0;
	case TERN_RECORD_ACCEPT:
		(void)tern_accept(host->host, call->socket, &socket);
		return 0;
	case TERN_RECORD_LISTENER_CONNECT:
		(void)tern_listener_connect(host->host, call->socket, call->data, &socket);
		return 0;
	case TERN_RECORD_NEXT_ASK:
		(void)tern_next_ask(host->host, call->socket, &socket, &tuple);
		return 0;
	case TERN_RECORD_ANSWER:
		(void)tern_answer(host->host, call->socket, (enum tern_answer)call->a);
		return 0;
	case TERN_RECORD_SET_COOKIE:
		(void)tern_set_cookie(host->host, call->socket, (uint64_t)call->a);
		return 0;
	case TERN_RECORD_OPTION_SET:
		(void)tern_option_set(host->host, call->socket, (enum tern_option)call->a, call->b);
		return 0;
	case TERN_RECORD_SET_CONGESTION:
		set_congestion(host, call);
		return 0;
	case TERN_RECORD_UNPACK:
		(void)tern_unpack(host->host, call->data, call->n, &socket);
		return 0;
	default:
		return 1;
	}
}

/* tern/datagram.h, but for what only looks. 1: not one of these. */
static int datagram_call(struct replay_host *host, const struct tern_record_call *call)
{
	struct tern_datagram datagram;
	tern_socket socket;
	switch (call->op) {
	case TERN_RECORD_DATAGRAM_OPEN:
		(void)tern_datagram_open(host->host, call->data, &socket);
		return 0;
	case TERN_RECORD_DATAGRAM_JOIN:
		(void)tern_datagram_join(host->host, call->socket, (uint8_t)call->a, call->data);
		return 0;
	case TERN_RECORD_DATAGRAM_LEAVE:
		(void)tern_datagram_leave(host->host, call->socket, (uint8_t)call->a, call->data);
		return 0;
	case TERN_RECORD_DATAGRAM_SEND:
		datagram = *(const struct tern_datagram *)call->data;
		if (datagram.data == NULL && datagram.n > 0)
			return -TERN_EPROTO;
		(void)tern_datagram_send(host->host, call->socket, &datagram);
		return 0;
	case TERN_RECORD_DATAGRAM_RECEIVE:
		(void)tern_datagram_receive(host->host, call->socket, &datagram);
		return 0;
	case TERN_RECORD_DATAGRAM_REFUSE:
		(void)tern_datagram_refuse(host->host, call->socket, (enum tern_unreachable)call->a,
					   (uint32_t)call->b);
		return 0;
	case TERN_RECORD_DATAGRAM_REPORT:
		(void)tern_datagram_report(host->host, call->data, (enum tern_unreachable)call->a, (uint32_t)call->b);
		return 0;
	case TERN_RECORD_DATAGRAM_CLOSE:
		(void)tern_datagram_close(host->host, call->socket);
		return 0;
	default:
		return 1;
	}
}

static int stream_call(struct replay_host *host, const struct tern_record_call *call)
{
	const uint8_t *at;
	switch (call->op) {
	case TERN_RECORD_SEND:
		(void)tern_send(host->host, call->socket, call->data, call->n, (unsigned)call->a);
		return 0;
	case TERN_RECORD_SEND_OWNED:
		return send_owned(host, call);
	case TERN_RECORD_RECEIVE:
		return receive(host, call);
	case TERN_RECORD_RECEIVE_POST:
		return receive_post(host, call);
	case TERN_RECORD_RECEIVE_POSTED:
		if (tern_receive_posted(host->host, call->socket) != -TERN_EAGAIN)
			forget_post(host, call->socket);
		return 0;
	case TERN_RECORD_RECEIVE_UNPOST:
		(void)tern_receive_unpost(host->host, call->socket);
		forget_post(host, call->socket);
		return 0;
	case TERN_RECORD_PEEK:
		(void)tern_peek(host->host, call->socket, (size_t)call->a, &at);
		return 0;
	case TERN_RECORD_CONSUME:
		(void)tern_consume(host->host, call->socket, (size_t)call->a);
		return 0;
	case TERN_RECORD_SHUTDOWN:
		(void)tern_shutdown(host->host, call->socket);
		return 0;
	case TERN_RECORD_SHUTDOWN_RECEIVE:
		(void)tern_shutdown_receive(host->host, call->socket);
		return 0;
	case TERN_RECORD_CLOSE:
		(void)tern_close(host->host, call->socket);
		return 0;
	case TERN_RECORD_ABORT:
		(void)tern_abort(host->host, call->socket);
		return 0;
	case TERN_RECORD_PACK_OUT:
		return pack_out(host, call);
	default:
		return -TERN_EPROTO;
	}
}

int replay_call(struct replay *replay, struct replay_host *host, struct record_call *record)
{
	(void)replay;
	if (record->call.now > host->now)
		host->now = record->call.now;
	int done = host_call(host, record);
	if (done == 1)
		done = open_call(host, &record->call);
	if (done == 1)
		done = datagram_call(host, &record->call);
	return done == 1 ? stream_call(host, &record->call) : done;
}

void replay_free(struct replay *replay)
{
	for (unsigned i = 0; i < RECORD_HOSTS; i++) {
		struct replay_host *const host = &replay->host[i];
		for (size_t j = 0; j < host->n_out; j++)
			tern_packet_done(host->out[j]);
		if (host->host != NULL)
			tern_host_destroy(host->host);
		for (struct replay_post *post = host->posts, *next; post != NULL; post = next) {
			next = post->next;
			free(post);
		}
		free(host->batch);
		free(host->out);
		free(replay->failure[i]);
	}
}
