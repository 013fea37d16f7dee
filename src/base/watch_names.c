#include <tern/watch.h>

#include <stddef.h>

/* One table for each enum of tern/watch.h, in its order. The names are part of the JSON lines and of the
 * counters: they stay as they are. */

static const char *pick(const char *const names[], size_t n, unsigned i)
{
	return i < n && names[i] ? names[i] : "?";
}

const char *tern_verdict_name(enum tern_verdict verdict)
{
	static const char *const names[TERN_VERDICTS] = {
		[TERN_VERDICT_ACCEPTED] = "accepted",
		[TERN_VERDICT_DUPLICATE] = "duplicate",
		[TERN_VERDICT_OUT_OF_ORDER] = "out-of-order",
		[TERN_VERDICT_OUT_OF_WINDOW] = "out-of-window",
		[TERN_VERDICT_PAWS] = "paws",
		[TERN_VERDICT_NO_TIMESTAMP] = "no-timestamp",
		[TERN_VERDICT_BAD_ACK] = "bad-ack",
		[TERN_VERDICT_OLD_ACK] = "old-ack",
		[TERN_VERDICT_NO_ACK] = "no-ack",
		[TERN_VERDICT_NO_SYN] = "no-syn",
		[TERN_VERDICT_RESET] = "reset",
		[TERN_VERDICT_REFUSED] = "refused",
		[TERN_VERDICT_BLIND_RESET] = "blind-reset",
		[TERN_VERDICT_STRAY_RESET] = "stray-reset",
		[TERN_VERDICT_BLIND_SYN] = "blind-syn",
		[TERN_VERDICT_DUPLICATE_SYN] = "duplicate-syn",
		[TERN_VERDICT_NEW_CONNECTION] = "new-connection",
		[TERN_VERDICT_NO_CONNECTION] = "no-connection",
		[TERN_VERDICT_BACKLOG_FULL] = "backlog-full",
		[TERN_VERDICT_COOKIE_SENT] = "cookie-sent",
		[TERN_VERDICT_COOKIE_ACCEPTED] = "cookie-accepted",
		[TERN_VERDICT_COOKIE_BAD] = "cookie-bad",
		[TERN_VERDICT_NOT_ALLOWED] = "not-allowed",
		[TERN_VERDICT_WAITING] = "waiting",
		[TERN_VERDICT_TIME_WAIT] = "time-wait",
		[TERN_VERDICT_TIME_WAIT_REUSED] = "time-wait-reused",
		[TERN_VERDICT_TEXT_AFTER_CLOSE] = "text-after-close",
		[TERN_VERDICT_NO_MEMORY] = "no-memory",
		[TERN_VERDICT_MALFORMED] = "malformed",
		[TERN_VERDICT_BAD_CHECKSUM] = "bad-checksum",
		[TERN_VERDICT_BAD_ADDRESS] = "bad-address",
	};

	return pick(names, TERN_VERDICTS, (unsigned)verdict);
}

const char *tern_why_name(enum tern_why why)
{
	static const char *const names[TERN_WHYS] = {
		[TERN_WHY_OPEN_PASSIVE] = "open-passive",
		[TERN_WHY_OPEN_ACTIVE] = "open-active",
		[TERN_WHY_SYN_ARRIVED] = "syn-arrived",
		[TERN_WHY_SYN_ACK_ARRIVED] = "syn-ack-arrived",
		[TERN_WHY_OUR_SYN_ACKED] = "our-syn-acked",
		[TERN_WHY_CLOSE_CALLED] = "close-called",
		[TERN_WHY_FIN_ARRIVED] = "fin-arrived",
		[TERN_WHY_OUR_FIN_ACKED] = "our-fin-acked",
		[TERN_WHY_FIN_AND_ACK_ARRIVED] = "fin-and-ack-arrived",
		[TERN_WHY_RST_ARRIVED] = "rst-arrived",
		[TERN_WHY_REFUSED] = "refused",
		[TERN_WHY_ABORT_CALLED] = "abort-called",
		[TERN_WHY_TWO_MSL] = "two-msl",
		[TERN_WHY_R2] = "r2",
		[TERN_WHY_USER_TIMEOUT] = "user-timeout",
		[TERN_WHY_KEEPALIVE] = "keepalive",
		[TERN_WHY_ORPHAN_TIMEOUT] = "orphan-timeout",
		[TERN_WHY_TIME_WAIT_REUSED] = "time-wait-reused",
		[TERN_WHY_TIME_WAIT_GIVEN_UP] = "time-wait-given-up",
		[TERN_WHY_ICMP] = "icmp",
		[TERN_WHY_LISTENER_CLOSED] = "listener-closed",
		[TERN_WHY_HALF_OPEN_GIVEN_UP] = "half-open-given-up",
		[TERN_WHY_TEXT_UNREAD] = "text-unread",
	};

	return pick(names, TERN_WHYS, (unsigned)why);
}

const char *tern_timer_name(enum tern_timer timer)
{
	static const char *const names[TERN_TIMERS] = {
		[TERN_TIMER_RETRANSMIT] = "retransmit",
		[TERN_TIMER_PERSIST] = "persist",
		[TERN_TIMER_DELAYED_ACK] = "delayed-ack",
		[TERN_TIMER_KEEPALIVE] = "keepalive",
		[TERN_TIMER_USER] = "user",
		[TERN_TIMER_ORPHAN] = "orphan",
		[TERN_TIMER_TIME_WAIT] = "time-wait",
		[TERN_TIMER_SYN_ACK] = "syn-ack",
		[TERN_TIMER_SWS] = "sws",
		[TERN_TIMER_RACK] = "rack",
		[TERN_TIMER_PROBE] = "probe",
		[TERN_TIMER_PACE] = "pace",
	};

	return pick(names, TERN_TIMERS, (unsigned)timer);
}

const char *tern_timer_action_name(enum tern_timer_action action)
{
	static const char *const names[] = {
		[TERN_TIMER_SET] = "set",
		[TERN_TIMER_STOPPED] = "stopped",
		[TERN_TIMER_FIRED] = "fired",
	};

	return pick(names, sizeof names / sizeof *names, (unsigned)action);
}

const char *tern_retransmit_why_name(enum tern_retransmit_why why)
{
	static const char *const names[TERN_RETRANSMIT_WHYS] = {
		[TERN_RETRANSMIT_TIMEOUT] = "timeout",
		[TERN_RETRANSMIT_FAST] = "fast",
		[TERN_RETRANSMIT_RACK] = "rack",
		[TERN_RETRANSMIT_PARTIAL_ACK] = "partial-ack",
		[TERN_RETRANSMIT_AFTER_TIMEOUT] = "after-timeout",
		[TERN_RETRANSMIT_ZERO_WINDOW_PROBE] = "zero-window-probe",
		[TERN_RETRANSMIT_TAIL_PROBE] = "tail-probe",
		[TERN_RETRANSMIT_PATH_MTU] = "path-mtu",
		[TERN_RETRANSMIT_DUPLICATE_SYN] = "duplicate-syn",
		[TERN_RETRANSMIT_KEEPALIVE] = "keepalive",
	};

	return pick(names, TERN_RETRANSMIT_WHYS, (unsigned)why);
}

const char *tern_congestion_event_name(enum tern_congestion_event event)
{
	static const char *const names[TERN_CONGESTION_EVENTS] = {
		[TERN_CONGESTION_INIT] = "init",
		[TERN_CONGESTION_SLOW_START_EXIT] = "slow-start-exit",
		[TERN_CONGESTION_RECOVERY_ENTER] = "recovery-enter",
		[TERN_CONGESTION_RECOVERY_EXIT] = "recovery-exit",
		[TERN_CONGESTION_TIMEOUT] = "timeout",
		[TERN_CONGESTION_UNDO] = "undo",
		[TERN_CONGESTION_IDLE_RESTART] = "idle-restart",
		[TERN_CONGESTION_ECN] = "ecn",
		[TERN_CONGESTION_TAIL_LOSS] = "tail-loss",
	};

	return pick(names, TERN_CONGESTION_EVENTS, (unsigned)event);
}

const char *tern_note_name(enum tern_note note)
{
	static const char *const names[TERN_NOTES] = {
		[TERN_NOTE_ZERO_WINDOW_SENT] = "zero-window-sent",
		[TERN_NOTE_ZERO_WINDOW_RECEIVED] = "zero-window-received",
		[TERN_NOTE_WINDOW_OPENED] = "window-opened",
		[TERN_NOTE_WINDOW_SHRUNK] = "window-shrunk",
		[TERN_NOTE_SOFT_ERROR] = "soft-error",
		[TERN_NOTE_R1] = "r1",
		[TERN_NOTE_COOKIES_ON] = "cookies-on",
		[TERN_NOTE_COOKIES_OFF] = "cookies-off",
		[TERN_NOTE_PATH_MTU] = "path-mtu",
		[TERN_NOTE_URGENT] = "urgent",
		[TERN_NOTE_OUT_OF_ORDER_DROPPED] = "out-of-order-dropped",
		[TERN_NOTE_CHALLENGE_LIMITED] = "challenge-limited",
		[TERN_NOTE_TEXT_LOST] = "text-lost",
		[TERN_NOTE_BLACK_HOLE] = "black-hole",
		[TERN_NOTE_PROBED_MTU] = "probed-mtu",
		[TERN_NOTE_ECN_AGREED] = "ecn-agreed",
		[TERN_NOTE_CE_RECEIVED] = "ce-received",
		[TERN_NOTE_ECN_MANGLED] = "ecn-mangled",
		[TERN_NOTE_WINDOW_FULL] = "window-full",
		[TERN_NOTE_NEEDLESS] = "needless",
		[TERN_NOTE_OVERTAKEN] = "overtaken",
		[TERN_NOTE_LOST_BEFORE] = "lost-before",
		[TERN_NOTE_MISSING] = "missing",
		[TERN_NOTE_CHALLENGE_ACK] = "challenge-ack",
		[TERN_NOTE_RESET_PROVOKED] = "reset-provoked",
	};

	return pick(names, TERN_NOTES, (unsigned)note);
}

const char *tern_basis_name(enum tern_basis basis)
{
	static const char *const names[TERN_BASES] = {
		[TERN_BASIS_TOLD] = "told",
		[TERN_BASIS_OBSERVED] = "observed",
		[TERN_BASIS_INFERRED] = "inferred",
		[TERN_BASIS_UNSEEN] = "unseen",
	};

	return pick(names, TERN_BASES, (unsigned)basis);
}
