/* tern: one command, its subcommands. */
#include "tool/tool.h"
#include <stdio.h>
#include <string.h>

#ifndef TERN_VERSION
#define TERN_VERSION "0" /* built by hand */
#endif

static const struct command {
	const char *name, *line;
	int (*run)(int n, char *const arguments[]);
} commands[] = {
	{ "gateway", "run a command behind tern, whose connections it relays and shows", tool_gateway },
	{ "lab", "one TCP connection between two hosts, drawn and explained", tool_lab },
	{ "record", "keep a run of lab, every input of it", tool_record },
	{ "replay", "have it again, and compare every byte", tool_replay },
	{ "trace", "what the connections of a capture did, drawn and explained", tool_trace },
	{ "report", "a page of its own for a run, a recording or a capture: ladder, states, plots", tool_report },
	{ "ss", "the connections of running gateways, in ss's columns", tool_ss },
	{ "stuck", "what connections wait for, who has to act, and what ends it", tool_stuck },
	{ "ctl", "ask a running gateway: its flows, forwards and counters", tool_ctl },
	{ "script", "play packet scripts against the stack, in virtual time", tool_script },
	{ "settings", "the settings of the stack by name, and what profiles have them at", tool_settings },
	{ "nc", "standard input and output on one connection, over a TUN or TAP device", tool_nc },
	{ "perf", "how fast TCP is over a device, against itself or iperf3", tool_perf },
	{ "wire", "join two devices by a wire that delays, loses and reorders, in real time", tool_wire },
	{ "doctor", "what this machine allows, and what to do where it does not", tool_doctor },
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *command_by_name(const char *name)
{
	for (unsigned i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void usage(FILE *to)
{
	fputs("usage: tern COMMAND [ARGUMENT...]\n"
	      "\n"
	      "TCP you can carry with you and see through.\n"
	      "\n", to);
	for (unsigned i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].line);
	fputs("  version   print the version\n"
	      "  help      this, or the help of a command: tern help lab\n"
	      "\n"
	      "Examples:\n"
	      "  tern lab\n"
	      "  tern lab lost-last-ack --explain\n"
	      "  tern help lab\n", to);
}

static int help(int n, char *const arguments[])
{
	if (n == 0) {
		usage(stdout);
		return tool_flushed(NULL) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	const struct command *const command = command_by_name(arguments[0]);
	if (command == NULL)
		return tool_wrong("help", "there is no command '%s' (see tern help)", arguments[0]);
	if (n > 1)
		return tool_wrong("help", "'%s' is one argument too many", arguments[1]);
	char option[] = "--help";
	char *const only[] = { option, NULL };
	return command->run(1, only);
}

static int version(int n, char *const arguments[])
{
	if (n > 0)
		return tool_wrong("version", "'%s' is one argument too many", arguments[0]);
	puts("tern " TERN_VERSION);
	return tool_flushed(NULL) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		usage(stderr);
		return TOOL_USAGE;
	}
	const char *const name = argv[1];
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(argc - 2, argv + 2);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return version(argc - 2, argv + 2);
	const struct command *const command = command_by_name(name);
	if (command == NULL)
		return tool_wrong(NULL, "there is no %s '%s' (see tern help)",
				  name[0] == '-' ? "option" : "command", name);
	return command->run(argc - 2, argv + 2);
}
