/* --control: the socket and those who talk to it. At most CLIENTS at once; each is answered in order, one request at
 * a time, and no further request is read until the last answer has gone. Only our own user may connect (mode 0600).
 */
#include "gateway/control.h"
#include "link/unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 16, BACKLOG = 16 };

struct client {
	struct gateway	   *gateway;
	int		    fd; /* -1: none */
	char		    line[CONTROL_LINE];
	size_t		    n;
	struct control_text answer;
	size_t		    sent;
	bool		    ended; /* it has no more to ask */
};

struct control_room {
	int	      listener;
	char	      path[sizeof((struct sockaddr_un *)NULL)->sun_path];
	struct client client[CLIENTS];
};

static void on_client(void *context, short revents);

static void hang_up(struct client *client)
{
	(void)tern_loop_watch_fd(client->gateway->loop, client->fd, 0, NULL, NULL);
	close(client->fd);
	free(client->answer.at);
	client->fd = -1;
}

/* True: all of it has gone. */
static bool send_answer(struct client *client)
{
	while (client->sent < client->answer.n) {
		const ssize_t n = send(client->fd, client->answer.at + client->sent, client->answer.n - client->sent,
				       MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			client->answer.lost = true;
			return false;
		}
		client->sent += (size_t)n;
	}
	client->sent = client->answer.n = 0;
	return true;
}

/* Answers what has come whole, while answers go out. */
static bool serve_lines(struct client *client)
{
	char *end;

	while (send_answer(client) && (end = memchr(client->line, '\n', client->n)) != NULL) {
		const size_t used = (size_t)(end - client->line) + 1;

		*end = '\0';
		control_answer(client->gateway, client->line, &client->answer);
		client->n -= used;
		memmove(client->line, end + 1, client->n);
	}
	/* A line that is too long, or no memory for an answer: nothing sensible can follow. */
	if (client->answer.lost || (client->n == sizeof client->line && client->answer.n == 0))
		return false;
	return !client->ended || client->answer.n > 0;
}

static void on_client(void *context, short revents)
{
	struct client *const client = context;

	if (client->answer.n == 0 && !client->ended && (revents & (POLLIN | POLLHUP | POLLERR))) {
		const ssize_t n = recv(client->fd, client->line + client->n, sizeof client->line - client->n, 0);

		if (n > 0)
			client->n += (size_t)n;
		client->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	}
	if (!serve_lines(client)) {
		hang_up(client);
		return;
	}
	(void)tern_loop_watch_fd(client->gateway->loop, client->fd, client->answer.n > 0 ? POLLOUT : POLLIN, on_client,
				 client);
}

static void on_listener(void *context, short revents)
{
	struct gateway *const	   gateway = context;
	struct control_room *const room = gateway->control.state;
	struct client		  *client = NULL;
	const int		   fd = accept4(room->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)revents;
	if (fd < 0)
		return;
	for (unsigned i = 0; i < CLIENTS && !client; i++)
		if (room->client[i].fd < 0)
			client = &room->client[i];
	if (!client) {
		close(fd);
		return;
	}
	*client = (struct client){ .gateway = gateway, .fd = fd };
	if (tern_loop_watch_fd(gateway->loop, fd, POLLIN, on_client, client) != 0)
		hang_up(client);
}

int control_open(struct gateway *gateway)
{
	struct sockaddr_un name;

	if (!gateway->options->control)
		return 0;
	int error = unix_address(&name, gateway->options->control);
	if (error != 0)
		return error;
	struct control_room *const room = calloc(1, sizeof *room);
	if (!room)
		return -ENOMEM;
	gateway->control.state = room;
	for (unsigned i = 0; i < CLIENTS; i++)
		room->client[i].fd = -1;
	const mode_t before = umask(0177);
	room->listener = unix_bind(&name, SOCK_STREAM);
	(void)umask(before);
	if (room->listener < 0)
		return room->listener;
	memcpy(room->path, name.sun_path, sizeof room->path);
	if (listen(room->listener, BACKLOG) != 0)
		error = -errno;
	if (error == 0)
		error = tern_loop_watch_fd(gateway->loop, room->listener, POLLIN, on_listener, gateway);
	gateway->control.open = error == 0;
	return error;
}

void control_done(struct gateway *gateway)
{
	struct control_room *const room = gateway->control.state;

	if (!room)
		return;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (room->client[i].fd >= 0)
			hang_up(&room->client[i]);
	if (gateway->control.open)
		(void)tern_loop_watch_fd(gateway->loop, room->listener, 0, NULL, NULL);
	if (room->listener >= 0)
		close(room->listener);
	if (room->path[0])
		(void)unlink(room->path);
	free(room);
	gateway->control = (struct control){ .open = false };
}
