/* The command `tern`: its subcommands, and what they share. */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <stdbool.h>
#include <stddef.h>

/* What every subcommand ends with. */
enum tool_exit {
	TOOL_OK,
	TOOL_NOT_AS_EXPECTED, /* it ran, and did not come out as it should; or it could not be finished */
	TOOL_USAGE,	      /* the command line, or a file it names, is wrong: nothing was run */
};

/* n, arguments: what follows the subcommand's name. */
int tool_gateway(int n, char *const arguments[]);
int tool_lab(int n, char *const arguments[]);
int tool_record(int n, char *const arguments[]);
int tool_script(int n, char *const arguments[]);
int tool_settings(int n, char *const arguments[]);
int tool_replay(int n, char *const arguments[]);
int tool_report(int n, char *const arguments[]);
int tool_ss(int n, char *const arguments[]);
int tool_stuck(int n, char *const arguments[]);
int tool_ctl(int n, char *const arguments[]);
int tool_nc(int n, char *const arguments[]);
int tool_perf(int n, char *const arguments[]);
int tool_trace(int n, char *const arguments[]);
int tool_wire(int n, char *const arguments[]);
int tool_doctor(int n, char *const arguments[]);

/* "tern: lab: ..." on standard error; returns TOOL_USAGE. */
int tool_wrong(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what is nobody's mistake; returns TOOL_NOT_AS_EXPECTED. */
int tool_failed(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False: the file that is to be written, which the option names, is the one that is read ("-": standard input) and
 * would be lost; that was said, as of a wrong command line. NULL is no file. */
bool tool_spares(const char *command, const char *option, const char *output, const char *input);

/* Flushes standard output. False: it could not be written, and that was said. */
bool tool_flushed(const char *command);

/* Of standard output where it is a terminal, else as COLUMNS says; 0: not known. */
unsigned tool_terminal_columns(void);
/* Whether colours may be sent to it (NO_COLOR and TERM=dumb say no). */
bool tool_terminal_has_colour(void);
/* The locale names a character set other than UTF-8. */
bool tool_terminal_is_ascii(void);

#endif
