/* tern record: keeps a run. tern replay (cmd_replay.c) has it again. */
#include "tool/tool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int record_help(void)
{
	fputs("usage: tern record -o FILE lab [SCENARIO] [OPTION...]\n"
	      "       tern record -o FILE gateway [OPTION...] -- COMMAND [ARG...]\n"
	      "\n"
	      "Runs the command, and keeps every input of its hosts in FILE: settings and secrets, packets, times,\n"
	      "the programs' calls and failed allocations. tern replay FILE has the run again. Of the lab both hosts\n"
	      "are kept, of a gateway tern's own. FILE holds all that was sent and the hosts' secrets.\n"
	      "\n"
	      "  -o FILE, --output FILE  where to keep it\n"
	      "  --help                  this\n"
	      "\n"
	      "Examples:\n"
	      "  tern record -o run.tern lab\n"
	      "  tern record -o run.tern lab lost-fin --seed 7\n"
	      "  tern record -o web.tern gateway -- curl http://10.0.2.2:8000/\n"
	      "  tern record -o run.tern lab retransmission --loss 5% --json > events.jsonl\n", stdout);
	return tool_flushed("record") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

int tool_record(int n, char *const arguments[])
{
	const char *file = NULL;
	int i = 0;
	for (; i < n && arguments[i][0] == '-'; i++) {
		const char *const argument = arguments[i];
		if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
			return record_help();
		if (strcmp(argument, "--") == 0) {
			i++;
			break;
		}
		if (strncmp(argument, "--output=", 9) == 0) {
			file = argument + 9;
		} else if (strcmp(argument, "-o") == 0 || strcmp(argument, "--output") == 0) {
			if (i + 1 == n)
				return tool_wrong("record", "%s wants the name of a file", argument);
			file = arguments[++i];
		} else {
			return tool_wrong("record", "there is no option '%s' (see tern record --help)", argument);
		}
	}
	if (file == NULL || *file == '\0')
		return tool_wrong("record", "-o FILE is missing (see tern record --help)");
	if (i == n)
		return tool_wrong("record", "the command to be recorded is missing: tern record -o %s lab", file);
	const bool is_gateway = strcmp(arguments[i], "gateway") == 0;
	if (!is_gateway && strcmp(arguments[i], "lab") != 0)
		return tool_wrong("record", "'%s' cannot be recorded; lab and gateway can", arguments[i]);
	for (int j = i + 1; j < n && strcmp(arguments[j], "--") != 0; j++)
		if (strcmp(arguments[j], "--record") == 0 || strncmp(arguments[j], "--record=", 9) == 0)
			return tool_wrong("record", "-o and --record exclude each other");

	char **const more = calloc((size_t)(n - i) + 2, sizeof(char *));
	if (more == NULL)
		return tool_failed("record", "no memory");
	int count = 0;
	char option[] = "--record";
	const int at = is_gateway ? 0 : n - i - 1; /* what follows a gateway's -- is the command's */
	for (int j = i + 1; j <= n; j++) {
		if (count == at) {
			more[count++] = option;
			more[count++] = (char *)file;
		}
		if (j < n)
			more[count++] = arguments[j];
	}
	const int code = is_gateway ? tool_gateway(count, more) : tool_lab(count, more);
	free(more);
	return code;
}
