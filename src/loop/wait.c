/* Blocking calls: try, turn the loop, try again. */
#include "loop/loop.h"

/* Turns once. 0: try again; -TERN_EAGAIN: the time was up before (or the loop cannot turn any more). */
static int turn_until(tern_loop *loop, tern_time until, bool fresh)
{
	if (loop->now >= until)
		return -TERN_EAGAIN;
	const int happened = loop_turn(loop, until == TERN_NEVER ? TERN_NEVER : until - loop->now, fresh);

	if (happened < 0)
		return happened;
	/* Nothing happened: up is the time, or (virtual clock) nothing ever will. A last try is due in the
	 * first case alone, and there loop->now says so at the next call. */
	return happened || (until != TERN_NEVER && loop->now >= until) ? 0 : -TERN_EAGAIN;
}

/* Checks the arguments, brings clock and hosts up to date and moves what waits, so that a timeout of 0
 * sees all that has arrived; *until is when to give up. */
static int begin(tern_loop *loop, tern_host *host, tern_time timeout, tern_time *until)
{
	if (timeout < 0 || loop_find_host(loop, host, false) < 0)
		return -TERN_EINVAL;
	const int moved = tern_loop_turn(loop, 0);

	*until = loop_later(loop->now, timeout);
	return moved < 0 ? moved : 0;
}

/* The same for a call that may be done at once, and turns afterwards: the clock alone, where that is enough. A timeout
 * of 0 is not, nor is a virtual clock, whose turns are what happens. *fresh: the next turn need not ask it again. */
static int begin_quick(tern_loop *loop, tern_host *host, tern_time timeout, tern_time *until, bool *fresh)
{
	*fresh = false;
	if (timeout <= 0 || loop->clock != TERN_CLOCK_REAL || loop->turning)
		return begin(loop, host, timeout, until);
	if (loop_find_host(loop, host, false) < 0)
		return -TERN_EINVAL;
	loop_refresh(loop);
	*fresh = true;
	*until = loop_later(loop->now, timeout);
	return 0;
}

/* Turns until one of `ready` holds (those that do), or the connection ended. */
static int wait_ready(tern_loop *loop, tern_host *host, tern_socket socket, unsigned ready, tern_time until)
{
	for (;;) {
		const unsigned now = tern_ready(host, socket);

		if (now & ready)
			return (int)(now & ready);
		int error = tern_socket_error(host, socket);
		if (!error && now & (TERN_ERROR | TERN_CLOSED))
			error = -TERN_ENOTCONN; /* ended in peace: what is waited for will not come */
		if (!error)
			error = turn_until(loop, until, false);
		if (error)
			return error;
	}
}

int tern_wait(tern_loop *loop, tern_host *host, tern_socket socket, unsigned ready, tern_time timeout)
{
	tern_time until;
	const int error = begin(loop, host, timeout, &until);

	return error ? error : wait_ready(loop, host, socket, ready, until);
}

int tern_connect_wait(tern_loop *loop, tern_host *host, const struct tern_open *open, tern_socket *socket,
		      tern_time timeout)
{
	tern_socket opened;
	tern_time   until;
	int	    result = begin(loop, host, timeout, &until);

	*socket = (tern_socket){ 0 };
	if (!result)
		result = tern_connect(host, open, &opened);
	if (result < 0)
		return result;
	result = wait_ready(loop, host, opened, TERN_CONNECTED, until);
	if (result < 0) {
		tern_abort(host, opened);
		return result == -TERN_EAGAIN ? -TERN_ETIMEDOUT : result;
	}
	*socket = opened;
	return 0;
}

int tern_accept_wait(tern_loop *loop, tern_host *host, tern_socket listener, tern_socket *socket,
		     tern_time timeout)
{
	tern_time until;
	int	  error = begin(loop, host, timeout, &until);

	while (!error) {
		const int result = tern_accept(host, listener, socket);
		if (result != -TERN_EAGAIN)
			return result;
		error = turn_until(loop, until, false);
	}
	return error;
}

ptrdiff_t tern_send_wait(tern_loop *loop, tern_host *host, tern_socket socket, const void *from, size_t n,
			 tern_time timeout)
{
	tern_time until;
	size_t	  taken = 0;
	bool	  fresh;
	int	  error = begin_quick(loop, host, timeout, &until, &fresh);

	while (!error && taken < n) {
		const ptrdiff_t result = tern_send(host, socket, (const uint8_t *)from + taken, n - taken, 0);

		if (result > 0) {
			taken += (size_t)result;
		} else {
			error = result && result != -TERN_EAGAIN ? (int)result : turn_until(loop, until, fresh);
			fresh = false;
		}
	}
	if (taken) /* on its way before the program goes on to something else */
		(void)loop_turn(loop, 0, fresh);
	return taken || !error ? (ptrdiff_t)taken : error;
}

ptrdiff_t tern_receive_wait(tern_loop *loop, tern_host *host, tern_socket socket, void *to, size_t n,
			    tern_time timeout)
{
	tern_time until;
	bool	  turned = false, fresh;
	int	  error = begin_quick(loop, host, timeout, &until, &fresh);

	for (; !error; turned = true) {
		const ptrdiff_t result = tern_receive(host, socket, to, n);
		if (result != -TERN_EAGAIN) {
			if (!turned) /* who always finds something lets others have theirs, too */
				(void)loop_turn(loop, 0, fresh);
			return result;
		}
		error = turn_until(loop, until, fresh && !turned);
	}
	return error;
}
