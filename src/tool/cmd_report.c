/* tern report: the command line, and which source it names. */
#include "tool/report.h"
#include "tool/tool.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int help(void)
{
	fputs("usage: tern report FILE [HOST:PORT...] [--conn N,...] [--at ADDRESS] -o PAGE\n"
	      "       tern report CLIENT-FILE SERVER-FILE [HOST:PORT...] -o PAGE\n"
	      "       tern report CONTROL -o PAGE\n"
	      "       tern report lab [SCENARIO] [OPTION...] -o PAGE\n"
	      "       tern report --playground -o PAGE\n"
	      "\n"
	      "Writes one HTML page that needs nothing else, no server and no network: the ladder, a live picture of\n"
	      "the states of both ends, plots and the bytes of the chosen header, all tied to one cursor. FILE is a\n"
	      "recording (tern record), a capture (pcap or pcapng, or two of the same connections, one from each\n"
	      "end), or JSON lines (tern lab --json, tern gateway --json); - is standard input. CONTROL is the socket\n"
	      "of a running gateway (tern gateway --control CONTROL --history 4M): what its connections did\n"
	      "lately, and how each stands now.\n"
	      "\n"
	      "  -o PAGE, --output PAGE  where to write it; - is standard output\n"
	      "  --title TEXT            its title (else what the source is called)\n"
	      "  --lang LANG             its words: en or zh (else by locale)\n"
	      "  --conn N,...            of a capture: these connections, as tern trace numbers them\n"
	      "  --at ADDRESS            of a capture: it was made at this end\n"
	      "  --playground            of nothing that was: the stack itself in the page, two hosts to open, send\n"
	      "                          and close with, and a link to lose, delay and drop on; its runs are links,\n"
	      "                          and tern replay --playground has them again\n"
	      "  --whole                 every event, however large the page (else 1.5 MB: repetition is left out)\n"
	      "  --plain                 the events as lines in the page, not deflated: for grep, for old browsers\n"
	      "  --help                  this\n"
	      "\n"
	      "After `lab`: the scenario and options of tern lab.\n"
	      "\n"
	      "Exit status: 0; 1 the source was not whole, or the page could not be written; 2 the command\n"
	      "line or the file is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern report web.pcap -o web.html\n"
	      "  tern report lab retransmission --loss 5% -o run.html\n"
	      "  tern report client.pcap server.pcap 192.0.2.1:80 -o both.html\n"
	      "  tern report /run/user/1000/web.tern -o now.html\n"
	      "  tern report --playground -o play.html\n",
	      stdout);
	return tool_flushed("report") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

/* The value of an option of our own, as --name VALUE or --name=VALUE; *i is moved past it. NULL: it is not this one. */
static const char *own_value(const char *name, char letter, int n, char *const arguments[], int *i,
			     bool *is_missing)
{
	const char *const argument = arguments[*i];
	const size_t	  length = strlen(name);
	const char	  short_form[3] = { '-', letter, '\0' };

	if (letter && strncmp(argument, short_form, 2) == 0 && argument[2])
		return argument + 2;
	if (strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, length) == 0 &&
	    argument[2 + length] == '=')
		return argument + 3 + length;
	if ((!letter || strcmp(argument, short_form) != 0) &&
	    (strncmp(argument, "--", 2) != 0 || strcmp(argument + 2, name) != 0))
		return NULL;
	*is_missing = *i + 1 == n;
	return *is_missing ? "" : arguments[++*i];
}

/* Takes our own options out. Returns how many are left in rest, or -1 - exit code. */
static int take_own(struct report *report, int n, char *const arguments[], char **rest)
{
	int left = 0;

	for (int i = 0; i < n; i++) {
		const char *const argument = arguments[i];
		bool		  is_missing = false;
		const char	 *value = own_value("output", 'o', n, arguments, &i, &is_missing);

		if (value) {
			report->out = value;
		} else if ((value = own_value("title", '\0', n, arguments, &i, &is_missing))) {
			report->title = value;
		} else if (strcmp(argument, "--playground") == 0) {
			report->is_playground = true;
			continue;
		} else if (strcmp(argument, "--whole") == 0) {
			report->is_whole = true;
			continue;
		} else if (strcmp(argument, "--plain") == 0) {
			report->is_plain = true;
			continue;
		} else {
			rest[left++] = arguments[i];
			continue;
		}
		if (is_missing || !*value)
			return -1 -
			       tool_wrong("report", "%s wants a value (see tern report --help)", argument);
	}
	return left;
}

/* Of a source that takes no other options than the language. False: it was said what is wrong. */
static bool language_alone(struct report *report, int n, char *const arguments[])
{
	for (int i = 1; i < n; i++) {
		bool		  is_missing = false;
		const char *const argument = arguments[i];
		const char *const value = own_value("lang", '\0', n, arguments, &i, &is_missing);

		if (!value || is_missing || !explain_language_by_name(value, &report->language)) {
			(void)tool_wrong("report",
					 value ? "--lang: '%s' is not en or zh" : "'%s' is not for %s",
					 value ? value : argument, arguments[0]);
			return false;
		}
	}
	return true;
}

static int read_source(struct report *report, int n, char *const arguments[])
{
	if (strcmp(arguments[0], "lab") == 0)
		return report_lab(report, n - 1, arguments + 1);
	if (report_is_gateway(arguments[0]))
		return language_alone(report, n, arguments) ? report_gateway(report, arguments[0]) : TOOL_USAGE;
	if (report_is_recording(arguments[0]))
		return language_alone(report, n, arguments) ? report_recording(report, arguments[0])
							    : TOOL_USAGE;
	if (report_is_lines(arguments[0]))
		return language_alone(report, n, arguments) ? report_lines(report, arguments[0]) : TOOL_USAGE;
	return report_captures(report, n, arguments);
}

static int write_page(struct report *report)
{
	FILE *const to = strcmp(report->out, "-") == 0 ? stdout : fopen(report->out, "w");

	if (!to)
		return tool_failed("report", "cannot write '%s': %s", report->out, strerror(errno));
	const int  error = report->is_playground ? report_playground(to, report->language) : report_write(report, to);
	const bool closed = to == stdout || fclose(to) == 0;

	if (error != 0 || !closed)
		return tool_failed("report", "cannot write '%s': %s", report->out,
				   strerror(error ? -error : errno));
	return TOOL_OK;
}

static void join(char *command, size_t size, int n, char *const arguments[])
{
	size_t at = (size_t)snprintf(command, size, "tern report");

	for (int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(command + at, size - at, " %s", arguments[i]);
}

/* rest: what is neither --playground nor an option of every report. */
static int playground(struct report *report, int n, char *rest[])
{
	char  own[] = "--playground";
	char *all[4] = { own };

	if (!report->out)
		return tool_wrong("report", "-o PAGE is missing (see tern report --help)");
	for (int i = 0; i < n && i < 3; i++)
		all[i + 1] = rest[i];
	if (!language_alone(report, n < 3 ? n + 1 : 4, all))
		return TOOL_USAGE;
	return write_page(report);
}

static int report_all(struct report *report, int n, char *const arguments[], char **rest)
{
	const int left = take_own(report, n, arguments, rest);

	if (left < 0)
		return -1 - left;
	if (report->is_playground)
		return playground(report, left, rest);
	if (left == 0)
		return tool_wrong(
			"report",
			"of what? A recording, a capture, a gateway, JSON lines or lab (see tern report --help)");
	if (!report->out)
		return tool_wrong("report", "-o PAGE is missing (see tern report --help)");
	if (!report_open(report))
		return tool_failed("report", "no memory");
	for (int i = 0; i < left; i++)
		if (!tool_spares("report", "-o", report->out, rest[i]))
			return TOOL_USAGE;
	static char input[] = REPORT_INPUT;
	int	    code = TOOL_OK;

	if (strcmp(rest[0], "-") == 0) {
		rest[0] = input;
		code = report_keep_input();
	}
	if (code == TOOL_OK)
		code = read_source(report, left, rest);
	const int written = code == TOOL_USAGE || report->nothing ? code : write_page(report);

	return written > code ? written : code;
}

int tool_report(int n, char *const arguments[])
{
	static struct report report;

	for (int i = 0; i < n; i++)
		if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
			return help();
	report = (struct report){ .language = explain_language_by_locale(), .source = "json" };
	join(report.command, sizeof report.command, n, arguments);
	char **const rest = calloc((size_t)n + 1, sizeof *rest);

	if (!rest)
		return tool_failed("report", "no memory");
	const int code = report_all(&report, n, arguments, rest);

	report_done(&report);
	free(rest);
	return code;
}
