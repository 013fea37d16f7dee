/* Listeners: how they are found, and SEGMENT ARRIVES in LISTEN (RFC 9293 3.10.7.2).
 *
 * A SYN finds one of three ways: an entry of half_open.h; where the listener's backlog, the host's table or
 * the memory is full, a SYN cookie (RFC 4987 3.6), of which nothing is kept; or, where the listener asks or
 * cookies are off, nothing: dropped and counted, and the peer tries again. Cookies go on as long as entries
 * are short, and what they bring back goes through the same accept queue; so an honest peer connects
 * through a flood.
 *
 * An ACK to a listener is an attempt at a cookie only while one that was sent may come back (128 s);
 * outside of that it is refused unread, so that floods of ACKs cost no hash and prove nothing.
 *
 * RFC 9293 says that any other ACK in LISTEN is answered with a reset. We keep quiet where what it
 * acknowledges may be a cookie of ours: the peer's first segments were lost or late, those that come before
 * them cannot prove the cookie (they do not begin at the peer's ISN + 1), and a reset would end an honest
 * connection. It sends its first again.
 *
 * FIN and text on a SYN are let go of: the text is not acknowledged and comes again (3.10.7.2, third step,
 * lets us queue it; we keep nothing of those who have proved nothing). */
#include "host/listen.h"

#include "host/cookie.h"
#include "host/half_open.h"
#include "host/internal.h"
#include "tcp/congestion.h"
#include "tcp/ecn.h"

void listen_init(struct listeners *all, struct mem *mem)
{
	*all = (struct listeners){ .mem = mem,
				   .free = LISTEN_NONE,
				   .any = LISTEN_NONE,
				   .asks_free = LISTEN_NONE,
				   .event_first = LISTEN_NONE,
				   .event_last = LISTEN_NONE,
				   .ask_event_first = LISTEN_NONE,
				   .ask_event_last = LISTEN_NONE };
	for (unsigned i = 0; i < LISTEN_BUCKETS; i++)
		all->bucket[i] = LISTEN_NONE;
}

void listen_done(struct listeners *all)
{
	for (uint32_t i = 0; i < all->n_at; i++) {
		struct listener *const listener = all->at[i];

		mem_put(all->mem, listener->queue, listener->queue_room * sizeof(struct listen_waiting));
		mem_put(all->mem, listener, sizeof(*listener));
	}
	mem_put(all->mem, all->at, all->room * sizeof(struct listener *));
	mem_put(all->mem, all->asks, all->asks_room * sizeof(struct ask));
	mem_put(all->mem, all->spent, COOKIE_SPENT * sizeof(uint64_t));
	listen_init(all, all->mem);
}

/* ---- finding ---- */

struct listener *listener_at(const struct listeners *all, uint32_t index)
{
	tern_assert(index < all->n_at && all->at[index]->used);
	return all->at[index];
}

struct listener *listen_at(const struct listeners *all, uint32_t index, uint32_t generation)
{
	if (index >= all->n_at || !all->at[index]->used || all->at[index]->generation != generation)
		return NULL;
	return all->at[index];
}

uint32_t listen_from(const struct listeners *all, uint32_t from)
{
	for (uint32_t i = from; i < all->n_at; i++)
		if (all->at[i]->used)
			return i;
	return LISTEN_NONE;
}

static bool is_all_zero(const struct tern_addr *addr)
{
	return addr_is_unspecified(addr) && !addr_is_v4(addr);
}

/* How exactly the listener names the tuple; 0: not at all. :: stands for both versions, 0.0.0.0 for IPv4.
 * ours: the local address is one of the host's; what is forwarded through us is for accept-any listeners. */
static unsigned match(const struct listener *listener, const struct tern_tuple *tuple, bool ours)
{
	const struct tern_endpoint *const local = &listener->local, *const remote = &listener->remote;
	unsigned score = 1;

	if (!listener->any && (!ours || local->port != tuple->local_port))
		return 0;
	if (local->zone != 0 && local->zone != tuple->zone)
		return 0;
	if (addr_is_unspecified(&local->addr)) {
		if (!is_all_zero(&local->addr) && !addr_is_v4(&tuple->local))
			return 0;
		score += !is_all_zero(&local->addr);
	} else if (addr_equal(&local->addr, &tuple->local)) {
		score += 4;
	} else {
		return 0;
	}
	if (!is_all_zero(&remote->addr)) {
		if (!addr_equal(&remote->addr, &tuple->remote) ||
		    (remote->port != 0 && remote->port != tuple->remote_port))
			return 0;
		score += remote->port != 0 ? 16 : 8;
	}
	return 2 * score + (local->zone != 0);
}

static uint32_t best_of(const struct listeners *all, uint32_t chain, const struct tern_tuple *tuple,
			bool ours)
{
	uint32_t best = LISTEN_NONE;
	unsigned best_score = 0;

	for (uint32_t i = chain; i != LISTEN_NONE; i = all->at[i]->next) {
		const unsigned score = match(all->at[i], tuple, ours);

		if (score > best_score) {
			best = i;
			best_score = score;
		}
	}
	return best;
}

uint32_t listen_find(const struct tern_host *host, const struct tern_tuple *tuple)
{
	const struct listeners *const all = &host->listeners;
	const bool ours = !host->env.config.forwarding_any || route_is_local(&host->routes, tuple->zone, &tuple->local);
	const uint32_t exact = best_of(all, all->bucket[tuple->local_port % LISTEN_BUCKETS], tuple, ours);

	return exact != LISTEN_NONE ? exact : best_of(all, all->any, tuple, ours);
}

/* ---- segments ---- */

bool listen_has_room(const struct tern_host *host, uint32_t index)
{
	const struct listener *const listener = listener_at(&host->listeners, index);

	return listener->n_half_open < listener->backlog && host->half_opens.n < host->half_opens.most;
}

uint16_t listener_mss(const struct tern_host *host, const struct listener *listener,
		      const struct tern_tuple *tuple)
{
	enum { MTU_V4 = 576, MTU_V6 = 1280 }; /* where no route says better: what every host takes */
	const bool     v6 = !addr_is_v4(&tuple->remote);
	const uint32_t mtu = host_mtu(host, tuple);
	const uint16_t mss = tcp_mss_for_mtu(mtu != 0 ? mtu : v6 ? MTU_V6 : MTU_V4, v6);
	const int64_t  told = listener->option[TERN_MAX_SEGMENT];

	if (!(listener->options_set & 1u << TERN_MAX_SEGMENT) || told == 0 || told > mss)
		return mss;
	return (uint16_t)told;
}

enum tern_ecn listener_ecn(const struct tern_host *host, const struct listener *listener)
{
	const struct tcp_env *const env = &host->env;
	const bool set = listener->options_set & 1u << TERN_ECN;
	const int own = listener->congestion_control, number = own >= 0 ? own : env->congestion_control;

	return ecn_setting(set ? (enum tern_ecn)listener->option[TERN_ECN] : (enum tern_ecn)env->config.ecn,
			   cc_at(&env->config, number));
}

static enum tern_verdict send_cookie(struct tern_host *host, struct listener *listener,
				     const struct tern_tuple *tuple, const struct tcp_segment *syn,
				     uint8_t traffic_class, tern_time now)
{
	struct tcp_agreement agreed = { .wscale_ok = false };
	struct tcp_segment   syn_ack;

	tcp_agree(&host->env, &agreed, syn, listener_mss(host, listener, tuple), !addr_is_v4(&tuple->remote));
	agreed.ecn = ecn_agree(listener_ecn(host, listener), syn, traffic_class);
	cookie_make(&host->env, &agreed, tuple, now);
	emit_syn_ack(&host->env, &syn_ack, tuple, &agreed, now);
	listener->cookies_until = now + COOKIE_LIFE_SECONDS * TERN_SECOND;
	reply_segment(host, tuple, LISTEN, &syn_ack, 0, false);
	host->env.stats.SyncookiesSent++;
	if (!listener->cookies_on && env_is_watched(&host->env))
		watch_note(&host->env, tuple, LISTEN, TERN_NOTE_COOKIES_ON, listener->n_half_open, now);
	listener->cookies_on = true;
	return TERN_VERDICT_COOKIE_SENT;
}

void listener_spend(struct tern_host *host, const struct tern_tuple *tuple,
		    const struct tcp_agreement *agreed)
{
	const uint64_t	 mark = cookie_mark(&host->env, tuple, agreed);
	uint64_t **const spent = &host->listeners.spent;

	if (*spent == NULL)
		*spent = mem_get(&host->mem, COOKIE_SPENT * sizeof(uint64_t), 0, MEM_ORDINARY);
	if (*spent != NULL)
		(*spent)[mark % COOKIE_SPENT] = mark;
}

bool listener_is_spent(const struct tern_host *host, const struct tern_tuple *tuple,
		       const struct tcp_agreement *agreed)
{
	const uint64_t mark = cookie_mark(&host->env, tuple, agreed);

	return host->listeners.spent != NULL && host->listeners.spent[mark % COOKIE_SPENT] == mark;
}

/* Half of the places are free again: the flood is over. */
static void note_calm(struct tern_host *host, struct listener *listener, const struct tern_tuple *tuple,
		      tern_time now)
{
	if (!listener->cookies_on || listener->n_half_open > listener->backlog / 2 + 1 ||
	    host->half_opens.n > host->half_opens.most / 2 + 1)
		return;
	listener->cookies_on = false;
	if (env_is_watched(&host->env))
		watch_note(&host->env, tuple, LISTEN, TERN_NOTE_COOKIES_OFF, listener->n_half_open, now);
}

static enum tern_verdict take_syn(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				  const struct tcp_segment *syn, const seq_t *isn_floor, uint8_t traffic_class,
				  tern_time now)
{
	struct listener *const listener = listener_at(&host->listeners, index);

	/* A SYN from ourselves, to itself ("LAND"): no handshake with a listener can come of it. */
	if (addr_equal(&tuple->local, &tuple->remote) && tuple->local_port == tuple->remote_port)
		return TERN_VERDICT_BAD_ADDRESS;
	if (listen_has_room(host, index)) {
		const enum tern_verdict verdict =
			half_open_make(host, index, tuple, syn, isn_floor, traffic_class, now);

		if (verdict == TERN_VERDICT_NO_MEMORY)
			host->env.stats.ListenDrops++;
		else
			note_calm(host, listener, tuple, now);
		return verdict;
	}
	if (listener->ask || host->env.config.no_syn_cookies || isn_floor != NULL) {
		host->env.stats.ListenOverflows++;
		host->env.stats.ListenDrops++;
		return TERN_VERDICT_BACKLOG_FULL;
	}
	return send_cookie(host, listener, tuple, syn, traffic_class, now);
}

/* The ACK may prove a cookie. */
static enum tern_verdict try_cookie(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				    const struct tcp_segment *seg, tern_time now, struct tcb **made)
{
	struct listener *const listener = listener_at(&host->listeners, index);
	struct tcp_agreement   agreed;

	const uint16_t mss = listener_mss(host, listener, tuple);

	if (seg->flags & TCP_SYN || !cookie_prove(&host->env, &agreed, tuple, seg, mss, now)) {
		host->env.stats.SyncookiesFailed++;
		if (seg->flags & TCP_SYN || !cookie_may_be(&host->env, tuple, seg, now))
			reply_reset(host, tuple, LISTEN, seg);
		return TERN_VERDICT_COOKIE_BAD;
	}
	if (agreed.ecn != ECN_NONE)
		agreed.ecn = ecn_recall(listener_ecn(host, listener), seg);
	if (listener_is_spent(host, tuple, &agreed)) {
		reply_reset(host, tuple, LISTEN, seg); /* an old duplicate: its connection has ended */
		return TERN_VERDICT_BAD_ACK;
	}
	if (accept_is_full(listener)) {
		host->env.stats.ListenOverflows++;
		host->env.stats.ListenDrops++;
		return TERN_VERDICT_BACKLOG_FULL;
	}
	*made = accept_make(host, index, tuple, &agreed, HALF_OPEN_NONE, now);
	if (*made == NULL) {
		host->env.stats.ListenDrops++;
		return TERN_VERDICT_NO_MEMORY;
	}
	host->env.stats.SyncookiesRecv++;
	host->env.stats.TernVerdict[TERN_VERDICT_COOKIE_ACCEPTED]++;
	return TERN_VERDICT_COOKIE_ACCEPTED;
}

/* RFC 9293 3.10.7.2, in the RFC's order. */
static enum tern_verdict steps(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
			       const struct tcp_segment *seg, const seq_t *isn_floor, uint8_t traffic_class,
			       tern_time now, struct tcb **made)
{
	/* First: a reset cannot be for anything that a listener sent. */
	if (seg->flags & TCP_RST)
		return TERN_VERDICT_STRAY_RESET;
	/* Second: nothing was sent that could be acknowledged, but cookies. */
	if (seg->flags & TCP_ACK) {
		if (now < listener_at(&host->listeners, index)->cookies_until)
			return try_cookie(host, index, tuple, seg, now, made);
		reply_reset(host, tuple, LISTEN, seg);
		return TERN_VERDICT_BAD_ACK;
	}
	/* Third: a SYN. Fourth: anything else is dropped. */
	if (seg->flags & TCP_SYN)
		return take_syn(host, index, tuple, seg, isn_floor, traffic_class, now);
	return TERN_VERDICT_NO_SYN;
}

enum tern_verdict listen_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				const struct tcp_segment *seg, const seq_t *isn_floor, uint8_t traffic_class,
				uint64_t mark, tern_time now, struct tcb **made)
{
	*made = NULL;
	const enum tern_verdict verdict = steps(host, index, tuple, seg, isn_floor, traffic_class, now, made);

	if (*made != NULL)
		return tcp_arrive(*made, seg, traffic_class, mark, now);
	return host_verdict(host, tuple, LISTEN, seg, verdict, mark);
}

/* ---- invariants ---- */

static void check_listener(const struct tern_host *host, uint32_t index)
{
	const struct listener *const listener = host->listeners.at[index];
	uint32_t		     waiting = 0, half_open = 0;

	tern_assert(listener->queue_end - listener->queue_first <= listener->queue_room);
	for (uint32_t i = listener->queue_first; i != listener->queue_end; i++) {
		const struct listen_waiting *const entry = &listener->queue[i & (listener->queue_room - 1)];
		const struct tcb		  *tcb;

		tern_assert(i != listener->queue_first || entry->index != TCB_NONE);
		if (entry->index == TCB_NONE)
			continue;
		tcb = tcb_pool_at(&host->blocks, entry->index);
		tern_assert(tcb != NULL && tcb->listening && !tcb->held);
		tern_assert(tcb_cold(tcb)->cookie == ((uint64_t)i << 32 | index));
		waiting++;
	}
	tern_assert(waiting == listener->n_waiting && waiting <= listener->backlog);
	for (uint32_t i = half_open_from(&host->half_opens, 0); i != HALF_OPEN_NONE;
	     i = half_open_from(&host->half_opens, i + 1))
		half_open += half_open_at(&host->half_opens, i)->listener == index;
	tern_assert(half_open == listener->n_half_open && half_open <= listener->backlog);
}

void listen_check(const struct tern_host *host)
{
	const struct listeners *const all = &host->listeners;
	uint32_t		      n = 0, half_open = 0;

	for (uint32_t i = listen_from(all, 0); i != LISTEN_NONE; i = listen_from(all, i + 1)) {
		check_listener(host, i);
		half_open += all->at[i]->n_half_open;
		n++;
	}
	tern_assert(n == all->n && half_open == host->half_opens.n);
	for (uint32_t i = half_open_from(&host->half_opens, 0); i != HALF_OPEN_NONE;
	     i = half_open_from(&host->half_opens, i + 1)) {
		const struct half_open *const half = half_open_at(&host->half_opens, i);

		tern_assert(!half->asked || ask_of(all, half->u.ask)->half == i);
		tern_assert(half->asked || !half->asking);
	}
}
