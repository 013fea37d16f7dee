#include "support/talk_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_PERIOD = 1048573, TEXT_PIECE = 65536 };

const uint8_t *talk_text(uint64_t key, uint64_t at)
{
	static uint8_t *text;

	if (!text) {
		struct chance chance = { 1 };

		text = malloc(TEXT_PERIOD + TEXT_PIECE);
		for (uint32_t i = 0; i < TEXT_PERIOD; i++)
			text[i] = (uint8_t)chance_next(&chance);
		memcpy(text + TEXT_PERIOD, text, TEXT_PIECE);
	}
	return text + (key + at) % TEXT_PERIOD;
}

/* ---- where we are ---- */

static const char *const end_names[] = { "shutdown", "wait", "close", "early", "abort" };

void talk_print(const struct talk_plan *plan)
{
	fprintf(stderr, "talk: client on host %u, IPv%d, ports %u %u, %s, from %.3f s, %s%s\n",
		plan->client_host, plan->v6 ? 6 : 4, plan->client_port, plan->server_port,
		plan->open == TALK_LISTENER ? "listener" : "simultaneous", (double)plan->begin / 1e9,
		plan->clean ? "clean" : "unclean", plan->may_fail ? ", may fail" : "");
	for (unsigned i = 0; i < 2; i++) {
		const struct talk_plan_side *const p = &plan->side[i];

		fprintf(stderr,
			"  %s: %llu octets in writes of %u-%u (%u%% owned, %u%% flags), takes %u%%, "
			"reads %u%s every %.3f s, stops at %llu for %.3f s, ends by %s at %llu;",
			i ? "server" : "client", (unsigned long long)p->send_total, p->write_min,
			p->write_max, p->owned, p->flags, p->takes, p->read_max, p->peek ? " (peek)" : "",
			(double)p->read_pause / 1e9, (unsigned long long)p->stop_at,
			(double)p->stop_for / 1e9, end_names[p->end], (unsigned long long)p->end_at);
		for (unsigned o = 0; o < TERN_OPTIONS; o++)
			if (p->option[o])
				fprintf(stderr, " %s=%lld", tern_option_name((enum tern_option)o),
					(long long)p->value[o]);
		fputc('\n', stderr);
	}
}

static void print_side(const struct talks *talks, const struct talk *talk, unsigned i)
{
	const struct talk_side *const side = &talk->side[i];
	struct tern_status	      status;

	fprintf(stderr,
		"  %s: open %d done %d sent %llu received %llu of %llu eof %d fin %d error %d may read %d write %d",
		i ? "server" : "client", side->open, side->done, (unsigned long long)side->sent,
		(unsigned long long)side->received, (unsigned long long)talk->plan.side[1 - i].send_total,
		side->eof, side->fin_called, side->error, side->may_read, side->may_write);
	if (side->open && !side->done &&
	    tern_status(talks->world->side[side->host].host, side->socket, &status) == 0)
		fprintf(stderr,
			"\n    %s una %u nxt %u wnd %u, rcv nxt %u wnd %u, unsent %u unacked %u unread %u ooo %u "
			"in flight %u cwnd %u rto at %lld persist at %lld ready %x",
			tern_state_name(status.state), status.snd_una - status.iss,
			status.snd_nxt - status.iss, status.snd_wnd, status.rcv_nxt - status.irs,
			status.rcv_wnd, status.unsent, status.unacked, status.unread, status.out_of_order,
			status.in_flight, status.cwnd, (long long)status.retransmit_at,
			(long long)status.persist_at,
			tern_ready(talks->world->side[side->host].host, side->socket));
	fputc('\n', stderr);
}

_Noreturn void talk_fail(const struct talks *talks, const struct talk *talk, const char *what)
{
	for (unsigned k = 0; k < talks->n; k++) {
		fprintf(stderr, "%c", &talks->talk[k] == talk ? '>' : ' ');
		talk_print(&talks->talk[k].plan);
		print_side(talks, &talks->talk[k], 0);
		print_side(talks, &talks->talk[k], 1);
	}
	world_fail("%s (talk %td, at %.6f s)", what, talk ? talk - talks->talk : -1,
		   (double)(talks->world->now - talks->start) / 1e9);
}

/* ---- ends ---- */

void talk_side_done(struct talks *talks, struct talk_side *side)
{
	side->done = true;
	side->done_at = talks->world->now;
	side->wake = TERN_NEVER;
}

static void side_close(struct talks *talks, struct talk_side *side)
{
	side->fin_called = true;
	side->let_go = true;
	if (tern_close(host_of(talks, side), side->socket) != 0)
		world_fail("tern_close of a handle that is open");
	talk_side_done(talks, side);
	called(talks, side);
}

void talk_side_abort(struct talks *talks, struct talk_side *side)
{
	side->aborted = true;
	side->let_go = true;
	if (tern_abort(host_of(talks, side), side->socket) != 0)
		world_fail("tern_abort of a handle that is open");
	talk_side_done(talks, side);
	called(talks, side);
}

static void side_failed(struct talks *talks, struct talk *talk, struct talk_side *side, int error)
{
	side->error = error;
	if (talk->plan.clean && !talk->plan.may_fail && !talks->forgiving)
		talk_fail(talks, talk, tern_strerror(error));
	talks->errors += !talk->hurt;
	talk->hurt = true;
	side_close(talks, side);
}

/* ---- writing ---- */

struct owned {
	struct talk_side *side;
	size_t		  n;
	uint8_t		  bytes[];
};

static void release(void *context, const void *from, size_t n)
{
	struct owned *const owned = context;

	if (from != owned->bytes || n != owned->n || owned->side->owned_out == 0)
		world_fail("release of other memory than was given");
	owned->side->owned_out--;
	memset(owned->bytes, 0xee, owned->n); /* whoever still looks sees rubbish */
	free(owned);
}

static ptrdiff_t send_owned(struct talks *talks, struct talk_side *side, size_t n, unsigned flags)
{
	struct owned *const owned = malloc(sizeof *owned + n);

	*owned = (struct owned){ side, n };
	memcpy(owned->bytes, talk_text(side->key, side->sent), n);
	side->owned_out++;
	const ptrdiff_t result =
		tern_send_owned(host_of(talks, side), side->socket, owned->bytes, n, flags, release, owned);
	if (result < 0) {
		side->owned_out--;
		free(owned);
	} else if ((size_t)result != n) {
		world_fail("owned memory was taken in part");
	}
	return result;
}

static bool side_write(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	const struct talk_plan_side *const plan = side->plan;
	struct chance *const		   chance = &talks->chance;
	uint64_t			   n = chance_scale(chance, plan->write_min, plan->write_max);
	unsigned			   flags = 0;
	ptrdiff_t			   result;

	if (!side->may_write || side->fin_called || side->sent == plan->send_total)
		return false;
	if (plan->end == TALK_WAIT && !side->eof && side->sent >= plan->send_total / 2)
		return false;
	if (n > plan->send_total - side->sent)
		n = plan->send_total - side->sent;
	if (n > TEXT_PIECE)
		n = TEXT_PIECE;
	if (chance_percent(chance, plan->flags))
		flags = 1u << chance_below(chance, 3);
	if (n == plan->send_total - side->sent)
		flags &= ~(unsigned)TERN_SEND_MORE;
	if (chance_percent(chance, plan->owned))
		result = send_owned(talks, side, n, flags);
	else
		result = tern_send(host_of(talks, side), side->socket, talk_text(side->key, side->sent), n,
				   flags);
	if (result == 0 || result > (ptrdiff_t)n)
		talk_fail(talks, talk, "tern_send took nothing, or more than there was");
	if (result > 0)
		side->sent += (uint64_t)result;
	else if (result == -TERN_EAGAIN)
		side->may_write = false;
	else if (result == -TERN_ENOMEM && talks->forgiving)
		wake_at(side, talks->world->now + 50 * TERN_MILLISECOND);
	else
		side_failed(talks, talk, side, (int)result);
	called(talks, side);
	return result > 0;
}

/* ---- reading ---- */

static void check_text(struct talks *talks, struct talk *talk, struct talk_side *side, const uint8_t *at,
		       size_t n)
{
	const struct talk_side *const peer = &talk->side[side == &talk->side[0]];

	if (side->received + n > peer->sent)
		talk_fail(talks, talk, "more was received than was sent");
	for (size_t done = 0; done < n;) {
		const size_t some = n - done < TEXT_PIECE ? n - done : TEXT_PIECE;

		if (memcmp(at + done, talk_text(peer->key, side->received + done), some) != 0)
			talk_fail(talks, talk, "wrong octets were received");
		done += some;
	}
	side->received += n;
	talks->bytes += n;
}

static void end_of_stream(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	const struct talk_side *const peer = &talk->side[side == &talk->side[0]];

	if (!peer->fin_called)
		talk_fail(talks, talk, "the end of a stream that its sender has not ended");
	if (side->received != peer->sent)
		talk_fail(talks, talk, "octets were lost before the end of the stream");
	side->eof = true;
}

static ptrdiff_t take(struct talks *talks, struct talk *talk, struct talk_side *side, size_t most)
{
	static uint8_t	 buffer[TEXT_PIECE];
	tern_host *const host = host_of(talks, side);
	const uint8_t	*at = buffer;
	ptrdiff_t	 n;

	if (most > TEXT_PIECE)
		most = TEXT_PIECE;
	if (!side->plan->peek) {
		n = tern_receive(host, side->socket, buffer, most);
	} else {
		n = tern_peek(host, side->socket, 0, &at);
		if (n > (ptrdiff_t)most)
			n = (ptrdiff_t)most;
	}
	if (n > 0)
		check_text(talks, talk, side, at, (size_t)n);
	if (n > 0 && side->plan->peek && tern_consume(host, side->socket, (size_t)n) != 0)
		talk_fail(talks, talk, "tern_consume of what was peeked at");
	called(talks, side);
	return n;
}

/* Whether the side would read now, if there were something. */
static bool is_reading(const struct talks *talks, const struct talk *talk, const struct talk_side *side)
{
	const struct talk_plan_side *const plan = side->plan;

	if (side->eof || side->done || side->let_go || (plan->end == TALK_CLOSE && talk->plan.clean))
		return false;
	return talks->world->now >= side->read_at &&
	       (plan->stop_for == 0 || side->stopped || side->received < plan->stop_at);
}

size_t talk_side_take(struct talks *talks, struct talk *talk, struct talk_side *side, const uint8_t *text, size_t n)
{
	size_t taken = n;

	if (!side->open || !is_reading(talks, talk, side) || !chance_percent(&talks->chance, side->plan->takes))
		return 0;
	if (chance_percent(&talks->chance, 30))
		taken = (size_t)chance_between(&talks->chance, 1, n);
	check_text(talks, talk, side, text, taken);
	talks->taken += taken;
	wake_at(side, talks->world->now); /* no event tells of it */
	return taken;
}

static bool side_read(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	const struct talk_plan_side *const plan = side->plan;
	const tern_time			   now = talks->world->now;

	if (!side->may_read || side->eof || (plan->end == TALK_CLOSE && talk->plan.clean))
		return false;
	if (now < side->read_at) {
		wake_at(side, side->read_at);
		return false;
	}
	if (plan->stop_for > 0 && !side->stopped && side->received >= plan->stop_at) {
		side->stopped = true;
		side->read_at = now + plan->stop_for;
		wake_at(side, side->read_at);
		return false;
	}
	const ptrdiff_t n = take(talks, talk, side, chance_scale(&talks->chance, 1, plan->read_max));
	if (n == 0)
		end_of_stream(talks, talk, side);
	else if (n == -TERN_EAGAIN)
		side->may_read = false;
	else if (n < 0)
		side_failed(talks, talk, side, (int)n);
	else if (plan->read_pause > 0)
		side->read_at = now + plan->read_pause;
	return n >= 0;
}

/* ---- one side, as far as it goes ---- */

static void shut_down(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	const int result = tern_shutdown(host_of(talks, side), side->socket);

	called(talks, side);
	if (result == 0)
		side->fin_called = true;
	else if (result == -TERN_ENOMEM && talks->forgiving)
		wake_at(side, talks->world->now + 50 * TERN_MILLISECOND);
	else
		side_failed(talks, talk, side, result);
}

static void side_end(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	const struct talk_plan_side *const plan = side->plan;
	const bool			   all_sent = side->sent == plan->send_total;

	if (!side->connected)
		return;
	if (plan->end == TALK_ABORT && side->sent + side->received >= plan->end_at)
		talk_side_abort(talks, side);
	else if (plan->end == TALK_EARLY && side->sent + side->received >= plan->end_at)
		side_close(talks, side);
	else if (plan->end == TALK_CLOSE && all_sent)
		side_close(talks, side);
	else if (all_sent && side->eof)
		side_close(talks, side);
	else if (all_sent && !side->fin_called && plan->end != TALK_WAIT)
		shut_down(talks, talk, side);
}

void talk_side_step(struct talks *talks, struct talk *talk, struct talk_side *side)
{
	bool going = true;

	side->wake = TERN_NEVER;
	while (side->open && !side->done && going) {
		going = side_write(talks, talk, side);
		if (!side->done)
			going |= side_read(talks, talk, side);
		if (!side->done)
			side_end(talks, talk, side);
	}
}

static void set_options(struct talks *talks, const struct talk_side *side)
{
	for (unsigned o = 0; o < TERN_OPTIONS; o++)
		if (side->plan->option[o] && tern_option_set(host_of(talks, side), side->socket,
							     (enum tern_option)o, side->plan->value[o]) != 0)
			world_fail("option %s", tern_option_name((enum tern_option)o));
	called(talks, side);
}

void talk_side_opened(struct talks *talks, struct talk_side *side, tern_socket socket, uint64_t cookie)
{
	side->open = true;
	side->socket = socket;
	if (tern_set_cookie(host_of(talks, side), socket, cookie) != 0)
		world_fail("tern_set_cookie");
	side->may_write = side->plan->eager;
	set_options(talks, side);
}
