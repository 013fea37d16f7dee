/* tern settings: the table of settings, as a person or a program reads it. */
#include "option/line.h"
#include "tool/tool.h"
#include <stdio.h>
#include <string.h>
#include <tern/settings.h>

struct command_line {
	struct tern_config config;
	bool		   help, json;
	unsigned	   n_names;
	const char	  *name[64];
};

enum option { OPTION_PROFILE, OPTION_SET, OPTION_JSON, OPTION_HELP };

static const struct option_word words[] = {
	{ "profile", "NAME", "values as freebsd, linux or rfc have them (else tern's own defaults)", OPTION_PROFILE },
	{ "set", "NAME=VALUE", "with this one changed; repeatable", OPTION_SET },
	{ "json", NULL, "JSON lines, one setting each", OPTION_JSON },
	{ "help", NULL, "this", OPTION_HELP },
};

static void help(const struct option_line *options)
{
	puts("usage: tern settings [OPTION...] [NAME...]\n"
	     "\n"
	     "Lists the settings of the stack: name, value, range and meaning. Names are Linux's where Linux has the\n"
	     "setting; 'tcp_sack' will do for 'net.ipv4.tcp_sack'. They are what tern lab --set, tern gateway --set,\n"
	     "sysctl in packet scripts, the adaptor for packetdrill and tern/settings.h take.\n");
	line_help(options, 16, stdout);
	puts("\n"
	     "Exit status: 0, or 2 where the command line is wrong.\n"
	     "\n"
	     "Examples:\n"
	     "  tern settings\n"
	     "  tern settings --profile linux tcp_rmem tcp_synack_retries\n"
	     "  tern lab retransmission --set tcp_sack=0");
}

static int set(struct command_line *line, const char *text)
{
	char	     error[TERN_SETTING_ERROR], name[64];
	const size_t n = strcspn(text, "=");

	if (text[n] == '\0' || n >= sizeof name)
		return tool_wrong("settings", "--set: '%s' is not NAME=VALUE", text);
	snprintf(name, sizeof name, "%.*s", (int)n, text);
	if (tern_setting_set(&line->config, name, text + n + 1, error) != 0)
		return tool_wrong("settings", "--set: %s", error);
	return TOOL_OK;
}

static int set_profile(struct command_line *line, const char *name)
{
	char error[TERN_SETTING_ERROR];

	if (tern_profile_set(&line->config, name, error) != 0)
		return tool_wrong("settings", "--profile: %s", error);
	return TOOL_OK;
}

static int add_name(struct command_line *line, const char *name)
{
	if (!tern_setting_by_name(name))
		return tool_wrong("settings", "there is no setting '%s' (see tern settings)", name);
	if (line->n_names == sizeof line->name / sizeof line->name[0])
		return tool_wrong("settings", "'%s' is one name too many", name);
	line->name[line->n_names++] = name;
	return TOOL_OK;
}

static int parse_one(struct command_line *line, const struct option_line *options, int n, char *const arguments[],
		     int *took)
{
	const struct option_word *word;
	const char		 *value;

	*took = 1;
	if (arguments[0][0] != '-')
		return add_name(line, arguments[0]);
	*took = line_take(options, n, arguments, &word, &value);
	if (*took == 0)
		return tool_wrong("settings", "%s", options->why);
	switch (word->id) {
	case OPTION_PROFILE: return set_profile(line, value);
	case OPTION_SET: return set(line, value);
	case OPTION_JSON: line->json = true; return TOOL_OK;
	default: line->help = true; return TOOL_OK;
	}
}

/* ---- what is printed ---- */

static void print_range(const struct tern_setting *setting, char *to, size_t size)
{
	const char *const unit = setting->unit, *const apart = *unit ? " " : "";

	if (setting->kind == TERN_SETTING_WORD)
		snprintf(to, size, "a name");
	else
		snprintf(to, size, "%lld-%lld%s%s", (long long)setting->least, (long long)setting->most, apart, unit);
}

static void print_one(const struct command_line *line, const struct tern_setting *setting)
{
	char value[TERN_SETTING_VALUE], range[80], both[TERN_SETTING_VALUE + 96];

	(void)tern_setting_get(&line->config, setting->name, value);
	print_range(setting, range, sizeof range);
	snprintf(both, sizeof both, "%s = %s", setting->name, value);
	printf("%-50s  # %s: %s%s\n", both, range, setting->what, setting->machine ? " (of the machine)" : "");
}

static void print_json(const struct command_line *line, const struct tern_setting *setting)
{
	static const char *const kinds[] = { "switch", "number", "sizes", "ports", "word" };
	char			 value[TERN_SETTING_VALUE];

	(void)tern_setting_get(&line->config, setting->name, value);
	printf("{\"name\":\"%s\",\"value\":\"%s\",\"kind\":\"%s\",\"unit\":\"%s\",\"least\":%lld,\"most\":%lld,"
	       "\"machine\":%s,\"what\":\"%s\"}\n",
	       setting->name, value, kinds[setting->kind], setting->unit, (long long)setting->least,
	       (long long)setting->most, setting->machine ? "true" : "false", setting->what);
}

int tool_settings(int n, char *const arguments[])
{
	static struct command_line line;
	char			   error[TERN_SETTING_ERROR], why[256];
	const struct option_line   options = {
		  .command = "tern settings",
		  .table = { { words, sizeof words / sizeof words[0] } },
		  .letter = { { 'h', OPTION_HELP } },
		  .why = why,
		  .room = sizeof why,
	};

	line = (struct command_line){ .help = false };
	tern_config_default(&line.config);
	for (int at = 0, took; at < n; at += took) {
		const int code = parse_one(&line, &options, n - at, arguments + at, &took);

		if (code != TOOL_OK)
			return code;
	}
	if (line.help) {
		help(&options);
		return tool_flushed("settings") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (tern_settings_check(&line.config, error) != 0)
		return tool_wrong("settings", "%s", error);
	for (unsigned i = 0; line.n_names == 0 && tern_setting_at(i); i++)
		(line.json ? print_json : print_one)(&line, tern_setting_at(i));
	for (unsigned i = 0; i < line.n_names; i++)
		(line.json ? print_json : print_one)(&line, tern_setting_by_name(line.name[i]));
	return tool_flushed("settings") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}
