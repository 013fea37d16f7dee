/* tern ctl: asks a running `tern gateway --control PATH`, one request a run. What it says is printed as it comes:
 * JSON lines. */
#include "gateway/control.h"
#include "tool/control_client.h"
#include "tool/tool.h"
#include <stdio.h>
#include <string.h>

static const char command[] = "ctl";

static void usage(void)
{
	fputs("usage: tern ctl [--json] PATH flows | sockets | history | forwards | stats | add FORWARD | remove ID\n"
	      "\n"
	      "Asks the gateway that runs with --control PATH, and prints what it says: JSON lines, with --json and\n"
	      "without.\n"
	      "\n"
	      "  flows           the connections and datagram flows that it relays now\n"
	      "  sockets         TCP connections with all that is known of them, listeners, TIME-WAIT entries\n"
	      "  history         what connections did lately, event by event (tern gateway --history)\n"
	      "  forwards        what comes in from outside (-p), each with its number\n"
	      "  stats           its counters\n"
	      "  add FORWARD     one more, as -p has it: [ADDR:]HOSTPORT:GUESTPORT[/udp]\n"
	      "  remove ID       the forward of that number\n"
	      "\n"
	      "Exit status: 0; 1 the gateway refused, or is not there; 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern ctl /run/user/1000/web.tern flows | jq .\n"
	      "  tern ctl /run/user/1000/web.tern add 8080:80\n"
	      "  tern ctl --json /run/user/1000/web.tern stats | jq .tcpRetransSegs\n", stdout);
}

static bool is_one_of(const char *word, const char *const words[])
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* The request line of what stands behind PATH. False, and said: it is none. */
static bool make_request(char *to, size_t room, int n, char *const arguments[])
{
	static const char *const asked[] = { "flows", "sockets", "history", "forwards", "stats", NULL },
				 *const done[] = { "add", "remove", NULL };
	const char *const what = arguments[0], *const value = arguments[1];
	const bool	  asks = is_one_of(what, asked), adds = strcmp(what, "add") == 0;
	int		  len;

	if (!asks && !is_one_of(what, done)) {
		(void)tool_wrong(command, "'%s' is not flows, sockets, history, forwards, stats, add or remove", what);
		return false;
	}
	if (n != (asks ? 1 : 2)) {
		(void)tool_wrong(command, "%s takes %s (see tern ctl --help)", what,
				 asks ? "nothing more" : adds ? "one FORWARD, such as 8080:80" : "one ID");
		return false;
	}
	/* What JSON would escape no forward has, and no number. */
	if (!asks && (value[0] == '\0' || (adds ? strpbrk(value, "\"\\\n\r\t") != NULL :
						 value[strspn(value, "0123456789")] != '\0'))) {
		(void)tool_wrong(command, "%s: '%s' is not %s", what, value, adds ? "a forward" : "a number of one");
		return false;
	}
	if (asks)
		len = snprintf(to, room, "{\"do\":\"%s\"}\n", what);
	else if (adds)
		len = snprintf(to, room, "{\"do\":\"add\",\"forward\":\"%s\"}\n", value);
	else
		len = snprintf(to, room, "{\"do\":\"remove\",\"id\":%s}\n", value);
	if (len > 0 && (size_t)len < room)
		return true;
	(void)tool_wrong(command, "%s: that is too long", what);
	return false;
}

static void print_line(void *context, const char *text)
{
	(void)context;
	fputs(text, stdout);
}

int tool_ctl(int n, char *const arguments[])
{
	char request[CONTROL_LINE];

	if (n == 1 && (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0)) {
		usage();
		return tool_flushed(command) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (n > 0 && strcmp(arguments[0], "--json") == 0) {
		arguments++;
		n--;
	}
	if (n < 2)
		return tool_wrong(command, "PATH and what is asked are wanted (see tern ctl --help)");
	if (!make_request(request, sizeof request, n - 1, arguments + 1))
		return TOOL_USAGE;
	const int code = control_ask(command, arguments[0], request, print_line, NULL);
	return code == TOOL_OK && !tool_flushed(command) ? TOOL_NOT_AS_EXPECTED : code;
}
