/* Two hosts whose packets the test carries over by hand: 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2, in
 * virtual time, without delay. After every step both hosts are checked. */
#ifndef TESTS_UNIT_TWO_HOSTS_H
#define TESTS_UNIT_TWO_HOSTS_H

#include "unit/allocator.h"
#include <tern/tern.h>

struct two_hosts {
	struct test_allocator memory[2];
	struct tern_config    config[2];
	tern_host	     *host[2];
	tern_time	      now;
	uint32_t	      mtu;
	bool		      offload, gso;
	uint64_t	      sent[2]; /* packets that the host gave out */
	/* Asked for each packet, if set: true takes it away. */
	bool (*lose)(struct two_hosts *w, int from, const uint8_t *packet, size_t len);
	void *context;
	uint8_t last[65536]; /* the last packet carried over */
	size_t	last_len;
};

static inline struct tern_addr two_addr(int host, bool v6)
{
	struct tern_addr addr;

	(void)tern_addr_parse(&addr, v6 ? (host ? "fd00::2" : "fd00::1") : (host ? "10.0.0.2" : "10.0.0.1"));
	return addr;
}

static inline void two_defaults(struct two_hosts *w)
{
	memset(w, 0, sizeof *w);
	w->now = 1000 * TERN_SECOND;
	w->mtu = 1500;
	for (int i = 0; i < 2; i++) {
		tern_config_default(&w->config[i]);
		w->config[i].allocator = test_allocator(&w->memory[i]);
		w->config[i].secret[0] = (uint8_t)(i + 1);
	}
}

static inline void two_begin(struct two_hosts *w)
{
	const struct tern_link_config link = { .mtu = w->mtu, .checksum_offload = w->offload, .gso = w->gso };

	for (int i = 0; i < 2; i++) {
		const struct tern_addr v4 = two_addr(i, false), v6 = two_addr(i, true);
		uint8_t		       number;

		assert_int_equal(tern_host_create(&w->host[i], &w->config[i], w->now), 0);
		assert_int_equal(tern_host_add_link(w->host[i], &link, &number), 0);
		assert_int_equal(tern_host_add_address(w->host[i], number, &v4, 24), 0);
		if (w->mtu >= 1280)
			assert_int_equal(tern_host_add_address(w->host[i], number, &v6, 64), 0);
	}
}

static inline void two_end(struct two_hosts *w)
{
	for (int i = 0; i < 2; i++) {
		tern_host_destroy(w->host[i]);
		assert_int_equal(w->memory[i].blocks, 0);
		assert_false(w->memory[i].broken);
	}
}

/* A packet of bytes for host `to`. */
static inline void two_inject(struct two_hosts *w, int to, const uint8_t *bytes, size_t len, bool offload)
{
	tern_packet  in = { .n_parts = 1, .len = (uint32_t)len, .checksum_offload = offload };
	tern_packet *batch[] = { &in };

	in.part[0].at = bytes;
	in.part[0].n = (uint32_t)len;
	tern_host_input(w->host[to], batch, 1, w->now);
}

static inline size_t two_flatten(const tern_packet *packet, uint8_t *to)
{
	size_t n = 0;

	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(to + n, packet->part[i].at, packet->part[i].n);
		n += packet->part[i].n;
	}
	return n;
}

/* One batch from the host to the other; false: it had nothing. */
static inline bool two_carry(struct two_hosts *w, int from, size_t room)
{
	tern_packet *batch[64];
	const size_t n = tern_host_output(w->host[from], batch, room, w->now);

	for (size_t i = 0; i < n; i++) {
		const bool offload = batch[i]->checksum_offload;

		w->last_len = two_flatten(batch[i], w->last);
		assert_int_equal(w->last_len, batch[i]->len);
		tern_packet_done(batch[i]);
		w->sent[from]++;
		if (!w->lose || !w->lose(w, from, w->last, w->last_len))
			two_inject(w, !from, w->last, w->last_len, offload);
	}
	return n > 0;
}

/* Until both are silent. */
static inline void two_exchange(struct two_hosts *w)
{
	for (int turns = 0;; turns++) {
		const bool a = two_carry(w, 0, 64), b = two_carry(w, 1, 64);

		tern_host_check(w->host[0]);
		tern_host_check(w->host[1]);
		if (!a && !b)
			break;
		assert_true(turns < 100000);
	}
}

/* Time passes; what is due happens when it is due. */
static inline void two_wait(struct two_hosts *w, tern_time span)
{
	const tern_time end = w->now + span;

	for (;;) {
		tern_time next = tern_host_deadline(w->host[0]);

		two_exchange(w);
		next = tern_host_deadline(w->host[0]);
		if (tern_host_deadline(w->host[1]) < next)
			next = tern_host_deadline(w->host[1]);
		if (next > end)
			break;
		w->now = next > w->now ? next : w->now + 1;
		tern_host_advance(w->host[0], w->now);
		tern_host_advance(w->host[1], w->now);
	}
	w->now = end;
	tern_host_advance(w->host[0], w->now);
	tern_host_advance(w->host[1], w->now);
	two_exchange(w);
}

static inline tern_socket two_listen(struct two_hosts *w, int host, uint16_t port)
{
	const struct tern_listen listen = { .local = { .port = port } };
	tern_socket		 socket;

	assert_int_equal(tern_listen(w->host[host], &listen, &socket), 0);
	return socket;
}

static inline tern_socket two_connect(struct two_hosts *w, int host, uint16_t port, bool v6)
{
	const struct tern_open open = { .remote = { .addr = two_addr(!host, v6), .port = port } };
	tern_socket	       socket;

	assert_int_equal(tern_connect(w->host[host], &open, &socket), 0);
	return socket;
}

/* A connection from host 0 to host 1, established at both ends. */
static inline void two_open(struct two_hosts *w, bool v6, tern_socket *client, tern_socket *server)
{
	const tern_socket listener = two_listen(w, 1, 80);

	*client = two_connect(w, 0, 80, v6);
	two_exchange(w);
	assert_int_equal(tern_accept(w->host[1], listener, server), 0);
	assert_int_equal(tern_close(w->host[1], listener), 0);
}

static inline enum tern_state two_state(struct two_hosts *w, int host, tern_socket socket)
{
	struct tern_status status;

	assert_int_equal(tern_status(w->host[host], socket, &status), 0);
	return status.state;
}

/* Takes every event of the host; the readiness of one socket, all its events together. */
static inline unsigned two_events(struct two_hosts *w, int host, tern_socket socket)
{
	struct tern_event event;
	unsigned	  ready = 0;

	while (tern_host_event(w->host[host], &event))
		if (event.socket.index == socket.index && event.socket.generation == socket.generation)
			ready |= event.ready;
	return ready;
}

#endif
