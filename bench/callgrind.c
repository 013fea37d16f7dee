#include "callgrind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { SANITIZED = false };
#endif

enum { ARGUMENTS_MOST = 3 };

static _Noreturn void give_up(const char *why)
{
	fflush(stdout);
	fprintf(stderr, "counting instructions: %s\n", why);
	exit(1);
}

bool callgrind_can(void)
{
	return !SANITIZED && system("valgrind --version >/dev/null 2>&1") == 0;
}

static void own_name(char *to, size_t room)
{
	const ssize_t n = readlink("/proc/self/exe", to, room - 1);

	if (n < 0)
		give_up(strerror(errno));
	to[n] = 0;
}

static _Noreturn void become_valgrind(const struct callgrind *run, const char *measured, const char *done,
				      const char *const arguments[])
{
	char out[80], toggle[100], dump[100], self[500];
	const char *command[8 + ARGUMENTS_MOST + 1] = { "valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
							toggle, dump, out, self };

	own_name(self, sizeof self);
	snprintf(out, sizeof out, "--callgrind-out-file=%s/out", run->folder);
	snprintf(toggle, sizeof toggle, "--toggle-collect=%s", measured);
	snprintf(dump, sizeof dump, "--dump-after=%s", done);
	for (unsigned i = 0; i < ARGUMENTS_MOST && arguments[i]; i++)
		command[8 + i] = arguments[i];
	execvp("valgrind", (char *const *)command);
	_exit(127);
}

void callgrind_run(struct callgrind *run, const char *measured, const char *done, const char *const arguments[])
{
	int status;

	*run = (struct callgrind){ .folder = "/tmp/tern-count-XXXXXX" };
	if (!mkdtemp(run->folder))
		give_up(strerror(errno));
	const pid_t child = fork();

	if (child < 0)
		give_up(strerror(errno));
	if (child == 0)
		become_valgrind(run, measured, done, arguments);
	if (waitpid(child, &status, 0) != child || status != 0)
		give_up("valgrind did not end well");
}

/* ---- what it left ----
 *
 * "ob=(3) /lib/libc.so.6" begins what belongs to an object, "ob=(3)" names it again; a line of a digit, '+', '-' or
 * '*' is a place and its own cost; the one after "calls=" is what the called cost, which stands elsewhere too. */

struct reading {
	struct callgrind_count count;
	char		       own_object[16]; /* "(1)" once known */
	const char	      *self;
	bool		       is_own, is_call;
};

static void read_object(struct reading *in, const char *what)
{
	const size_t number = strcspn(what, " \n");
	const char  *name = what + number;

	if (*name == ' ' && strncmp(name + 1, in->self, strlen(in->self)) == 0 && number < sizeof in->own_object) {
		memcpy(in->own_object, what, number);
		in->own_object[number] = 0;
	}
	in->is_own = strlen(in->own_object) == number && strncmp(what, in->own_object, number) == 0;
}

static void read_line(struct reading *in, const char *line)
{
	if (strncmp(line, "ob=", 3) == 0) {
		read_object(in, line + 3);
	} else if (strncmp(line, "cob=", 4) == 0) { /* may be where the object is named first */
		const bool is_own = in->is_own;

		read_object(in, line + 4);
		in->is_own = is_own;
	} else if (strncmp(line, "calls=", 6) == 0) {
		in->is_call = true;
	} else if (strchr("0123456789+-*", line[0])) {
		const char *const cost = strchr(line, ' ');

		if (cost && !in->is_call) {
			in->count.all += strtod(cost, NULL);
			in->count.own += in->is_own ? strtod(cost, NULL) : 0;
		}
		in->is_call = false;
	}
}

struct callgrind_count callgrind_next(struct callgrind *run)
{
	char name[80], line[1000], self[500];
	struct reading in = { .self = self };

	own_name(self, sizeof self);
	snprintf(name, sizeof name, "%s/out.%u", run->folder, ++run->taken);
	FILE *const file = fopen(name, "r");

	while (file && fgets(line, sizeof line, file))
		read_line(&in, line);
	if (file)
		fclose(file);
	if (in.count.own <= 0 || in.count.own > in.count.all)
		give_up("valgrind left no count");
	(void)unlink(name);
	return in.count;
}

void callgrind_end(struct callgrind *run)
{
	char rest[80];

	snprintf(rest, sizeof rest, "%s/out", run->folder); /* what came after the last count */
	(void)unlink(rest);
	(void)rmdir(run->folder);
}
