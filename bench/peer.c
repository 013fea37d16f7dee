#include "peer.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 8, LINE = 256, MISSED_MOST = 16, PATH_LONG = 700 };

/* Where its programs are: TERN_BENCH_PEERS, or peers/ beside tern-bench. */
static void folder_of_peers(char *to, size_t room)
{
	const char *const named = getenv("TERN_BENCH_PEERS");

	if (named) {
		snprintf(to, room, "%s", named);
		return;
	}
	const ssize_t n = readlink("/proc/self/exe", to, room - 8);

	to[n < 0 ? 0 : n] = 0;
	char *const slash = strrchr(to, '/');
	snprintf(slash ? slash : to, 8, "%s", "/peers");
}

/* The first word, of `program` alone or the whole of it. */
static bool said_before(const char *program)
{
	static char	said[MISSED_MOST][LINE];
	static unsigned n;
	const int	word = (int)strcspn(program, " ");

	for (unsigned i = 0; i < n; i++)
		if (strncmp(said[i], program, (size_t)word) == 0 && said[i][word] == 0)
			return true;
	if (n < MISSED_MOST)
		snprintf(said[n++], LINE, "%.*s", word, program);
	return false;
}

static void leave_out(const struct peer *peer, const char *why)
{
	if (!said_before(peer->what.program))
		fprintf(stderr, "tern-bench: %s (%s) is left out: %s\n", peer->what.name, peer->what.program, why);
}

static _Noreturn void become(const char *path, const char *program)
{
	char  words[LINE], *argument[ARGUMENTS + 1] = { NULL }, *rest = words;
	char *word;

	snprintf(words, sizeof words, "%s", program);
	for (unsigned n = 0; n < ARGUMENTS && (word = strsep(&rest, " ")); n++)
		argument[n] = word;
	execv(path, argument);
	_exit(127);
}

/* Its two ends; false: errno says why. */
static bool spawn(struct peer *peer, const char *path)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	fflush(stdout);
	peer->pid = fork();
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(pair[1], 0) == 0 && dup2(pair[1], 1) == 1)
			become(path, peer->what.program);
		_exit(127);
	}
	close(pair[1]);
	if (peer->pid < 0) {
		close(pair[0]);
		return false;
	}
	const int again = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	peer->to = fdopen(pair[0], "w");
	peer->from = again < 0 ? NULL : fdopen(again, "r");
	if (!peer->to || !peer->from)
		bench_fail("a peer's ends: %s", strerror(errno));
	return true;
}

void peer_stop(struct peer *peer)
{
	if (!peer->to)
		return;
	fclose(peer->to);
	fclose(peer->from);
	peer->to = peer->from = NULL;
	(void)kill(peer->pid, SIGKILL);
	(void)waitpid(peer->pid, NULL, 0);
}

void peer_start(struct peer *peer, const struct bench *bench, const struct peer_what *what)
{
	char path[PATH_LONG], line[LINE];

	*peer = (struct peer){ .what = *what };
	if (bench->alone || (bench->quick && what->slow))
		return;
	folder_of_peers(path, sizeof path - LINE);
	const size_t n = strlen(path);
	snprintf(path + n, sizeof path - n, "/%.*s", (int)strcspn(what->program, " "), what->program);
	if (access(path, X_OK) != 0) {
		leave_out(peer, "it is not built here (make bench builds it)");
		return;
	}
	if (!spawn(peer, path)) {
		leave_out(peer, strerror(errno));
		return;
	}
	if (fgets(line, sizeof line, peer->from) && strncmp(line, "ready ", 6) == 0) {
		snprintf(peer->version, sizeof peer->version, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
		return;
	}
	line[strcspn(line, "\n")] = 0;
	leave_out(peer, strncmp(line, "cannot ", 7) == 0 ? line : "it ended before it was ready");
	peer_stop(peer);
}

void peer_round(struct peer *peer)
{
	char   line[LINE];
	double figure, frames;

	if (!peer->to || peer->n == BENCH_ROUNDS_MAX)
		return;
	(void)signal(SIGPIPE, SIG_IGN); /* one that has died says so by an end of its lines */
	if (fputs("round\n", peer->to) >= 0 && fflush(peer->to) == 0 && fgets(line, sizeof line, peer->from) &&
	    sscanf(line, "%lf %lf", &figure, &frames) == 2 && figure > 0) {
		peer->samples[peer->n++] = figure * (peer->what.scale > 0 ? peer->what.scale : 1);
		peer->frames = frames;
		return;
	}
	leave_out(peer, "it ended in a round");
	peer_stop(peer);
}

void peer_end(struct peer *peer, struct bench_row *row)
{
	peer_stop(peer);
	bench_add_peer(row, peer->what.name, peer->version, peer->samples, peer->n);
	if (peer->n > 0)
		row->peers[row->n_peers - 1].frames = peer->frames;
}

void peers_start(struct peer *peers, unsigned n, const struct bench *bench, const struct peer_what *what)
{
	for (unsigned i = 0; i < n; i++)
		peer_start(&peers[i], bench, &what[i]);
}

void peers_round(struct peer *peers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		peer_round(&peers[i]);
}

void peers_end(struct peer *peers, unsigned n, struct bench_row *row)
{
	for (unsigned i = 0; i < n; i++)
		peer_end(&peers[i], row);
}
