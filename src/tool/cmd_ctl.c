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

/* The request line; false: it cannot be said (no such word, or characters that JSON would escape). */
static bool make_request(char *to, size_t room, int n, char *const arguments[])
{
	const bool asks = n == 1 && (strcmp(arguments[0], "flows") == 0 || strcmp(arguments[0], "sockets") == 0 ||
				     strcmp(arguments[0], "history") == 0 ||
				     strcmp(arguments[0], "forwards") == 0 || strcmp(arguments[0], "stats") == 0);
	int	   len = -1;

	if (asks)
		len = snprintf(to, room, "{\"do\":\"%s\"}\n", arguments[0]);
	else if (n == 2 && strpbrk(arguments[1], "\"\\\n\r\t") != NULL)
		return false;
	else if (n == 2 && strcmp(arguments[0], "add") == 0)
		len = snprintf(to, room, "{\"do\":\"add\",\"forward\":\"%s\"}\n", arguments[1]);
	else if (n == 2 && strcmp(arguments[0], "remove") == 0 && strspn(arguments[1], "0123456789") > 0)
		len = snprintf(to, room, "{\"do\":\"remove\",\"id\":%.*s}\n", (int)strspn(arguments[1], "0123456789"),
			       arguments[1]);
	return len > 0 && (size_t)len < room;
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
	if (n < 2 || !make_request(request, sizeof request, n - 1, arguments + 1))
		return tool_wrong(command, "it takes PATH and flows, sockets, forwards, stats, add FORWARD or "
					   "remove ID (see tern help ctl)");
	const int code = control_ask(command, arguments[0], request, print_line, NULL);
	return code == TOOL_OK && !tool_flushed(command) ? TOOL_NOT_AS_EXPECTED : code;
}
