#include "tcp/chrono.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/warm.h"
#include "tcp/window.h"

void chrono_queued(struct tcb *tcb, tern_time now)
{
	if (tcb->warm->chrono.kind == CHRONO_NONE)
		chrono_turn(&tcb->warm->chrono, CHRONO_BUSY, now);
}

static bool cwnd_has_room(const struct tcb *tcb, uint32_t octets)
{
	const struct tcb_warm *const warm = tcb->warm;

	return warm->flight.n == 0 || recovery_in_flight(tcb) + octets <= warm->cc.cwnd;
}

static enum chrono_kind kind_of(const struct tcb *tcb)
{
	const uint32_t unsent = tcb_unsent(tcb), piece = min_u32(unsent, tcb->mss);

	if ((unsent == 0 && !tcb->write_blocked) || tcb->warm->pace_at != TERN_NEVER)
		return CHRONO_BUSY;
	if (unsent > 0)
		return window_usable(tcb) < piece && cwnd_has_room(tcb, piece) ? CHRONO_RWND : CHRONO_BUSY;
	if (tcb->write_blocked && !tcb->fin_queued && cwnd_has_room(tcb, tcb->mss))
		return CHRONO_SNDBUF;
	return CHRONO_BUSY;
}

void chrono_turn_over(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	if (warm && warm->chrono.kind != CHRONO_NONE && tcb->state >= ESTABLISHED)
		chrono_turn(&warm->chrono, kind_of(tcb), now);
}

void chrono_drained(struct tcb *tcb, tern_time now)
{
	if (!tcb->fin_queued || tcb->fin_sent)
		chrono_turn(&tcb->warm->chrono, CHRONO_NONE, now);
}

void chrono_ends(struct tcb *tcb, tern_time now)
{
	if (tcb->warm)
		chrono_turn(&tcb->warm->chrono, CHRONO_NONE, now);
}

/* ---- where the sums are kept ---- */

static uint64_t whole_us(tern_time time)
{
	return (uint64_t)(time + TERN_MICROSECOND / 2) / TERN_MICROSECOND;
}

/* An orphan's has made room for another number (tcb.h): nobody can ask any more. */
static tern_time kept_busy(const struct tcb *tcb)
{
	return tcb_is_orphan(tcb) ? 0 : (tern_time)tcb_cold(tcb)->busy_us * TERN_MICROSECOND;
}

static void keep_busy(struct tcb *tcb, tern_time busy)
{
	const uint64_t us = whole_us(busy);

	if (!tcb_is_orphan(tcb))
		tcb_cold(tcb)->busy_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

bool chrono_needs_path(const tern_time spent[CHRONO_KINDS])
{
	return spent[CHRONO_RWND] > 0 || spent[CHRONO_SNDBUF] > 0 || whole_us(spent[CHRONO_BUSY]) > UINT32_MAX;
}

void chrono_wakes(struct tcb *tcb)
{
	const struct tcb_path *const path = path_of(tcb);
	struct chrono *const chrono = &tcb->warm->chrono;

	*chrono = (struct chrono){ .kind = CHRONO_NONE };
	if (path)
		memcpy(chrono->spent, path->spent, sizeof chrono->spent);
	else
		chrono->spent[CHRONO_BUSY] = kept_busy(tcb);
}

void chrono_rests(struct tcb *tcb)
{
	const struct chrono *const chrono = &tcb->warm->chrono;

	if (!tcb->has_path && chrono->since == 0) /* nothing was sent: what is kept holds */
		return;
	const bool asks = chrono_needs_path(chrono->spent) && !tcb_is_orphan(tcb);
	struct tcb_path *const path = asks ? path_attach(tcb) : path_of(tcb);

	if (path)
		memcpy(path->spent, chrono->spent, sizeof path->spent);
	else
		keep_busy(tcb, chrono->spent[CHRONO_BUSY]);
}

void chrono_enters_path(const struct tcb *tcb, struct tcb_path *path)
{
	path->spent[CHRONO_BUSY] = kept_busy(tcb);
}

void chrono_leaves_path(struct tcb *tcb, const struct tcb_path *path)
{
	keep_busy(tcb, path->spent[CHRONO_BUSY]);
}

void chrono_status(const struct tcb *tcb, tern_time now, struct tern_status *status)
{
	const struct tcb_path *const path = path_of(tcb);
	struct chrono sums = { .kind = CHRONO_NONE };

	if (tcb->warm) {
		sums = tcb->warm->chrono;
		chrono_turn(&sums, CHRONO_NONE, now);
	} else if (path) {
		memcpy(sums.spent, path->spent, sizeof sums.spent);
	} else {
		sums.spent[CHRONO_BUSY] = kept_busy(tcb);
	}
	status->rwnd_limited = sums.spent[CHRONO_RWND];
	status->sndbuf_limited = sums.spent[CHRONO_SNDBUF];
	status->busy_time = sums.spent[CHRONO_BUSY] + status->rwnd_limited + status->sndbuf_limited;
}
