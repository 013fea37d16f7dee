/* One option after another, and the kinds of value that several commands take. */
#include "option/line.h"
#include "option/units.h"
#include <stdarg.h>
#include <string.h>

bool line_wrong(const struct option_line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line->why, line->room, format, arguments);
	va_end(arguments);
	return false;
}

bool line_not(const struct option_line *line, const struct option_word *word, const char *value, const char *wanted)
{
	return line_wrong(line, "--%s: '%s' is not %s", word->name, value, wanted);
}

/* ---- words ---- */

static char letter_of(const struct option_line *line, const struct option_word *word)
{
	for (unsigned i = 0; i < OPTION_LETTERS; i++)
		if (line->letter[i].letter != '\0' && line->letter[i].id == word->id)
			return line->letter[i].letter;
	return '\0';
}

/* By its name or, where that is NULL, by its letter. */
static const struct option_word *find(const struct option_line *line, const char *name, size_t n, char letter)
{
	for (unsigned i = 0; i < OPTION_TABLES; i++)
		for (unsigned j = 0; j < line->table[i].n; j++) {
			const struct option_word *const word = &line->table[i].words[j];
			if (name == NULL ? letter_of(line, word) == letter
					 : strlen(word->name) == n && memcmp(word->name, name, n) == 0)
				return word;
		}
	return NULL;
}

int line_take(const struct option_line *line, int n, char *const arguments[], const struct option_word **word,
	      const char **value)
{
	const char *const argument = arguments[0], *const name = argument + 2;
	const bool brief = argument[0] == '-' && argument[1] != '-' && argument[1] != '\0';
	const char *const equals = brief || argument[1] == '\0' ? NULL : strchr(name, '=');
	const struct option_word *found = NULL;

	if (brief)
		found = find(line, NULL, 0, argument[1]);
	else if (argument[0] == '-' && argument[1] == '-')
		found = find(line, name, equals != NULL ? (size_t)(equals - name) : strlen(name), '\0');
	if (found == NULL || (brief && found->value == NULL && argument[2] != '\0'))
		return line_wrong(line, "there is no option '%s' (see %s --help)", argument, line->command);
	*word = found;
	*value = equals != NULL ? equals + 1 : brief && argument[2] != '\0' ? argument + 2 : NULL;
	if (found->value == NULL && equals != NULL)
		return line_wrong(line, "--%s takes no value ('%s')", found->name, equals + 1);
	if (found->value == NULL || *value != NULL)
		return 1;
	if (n < 2)
		return line_wrong(line, "--%s wants a value: %s", found->name, found->value);
	*value = arguments[1];
	return 2;
}

static void help_word(const struct option_line *line, const struct option_word *word, int columns, FILE *to)
{
	const char letter[] = { '-', letter_of(line, word), ',', ' ', '\0' };
	char left[80];
	const int n = snprintf(left, sizeof left, "%s--%s%s%s", letter[1] != '\0' ? letter : "", word->name,
			       word->value ? " " : "", word->value ? word->value : "");

	if (n > columns)
		fprintf(to, "  %s\n  %*s  %s\n", left, columns, "", word->help);
	else
		fprintf(to, "  %-*s  %s\n", columns, left, word->help);
}

void line_help(const struct option_line *line, unsigned columns, FILE *to)
{
	for (unsigned i = 0; i < OPTION_TABLES; i++)
		for (unsigned j = 0; j < line->table[i].n; j++)
			help_word(line, &line->table[i].words[j], (int)columns, to);
}

/* ---- values ---- */

bool line_number(const struct option_line *line, const struct option_word *word, const char *value, uint64_t low,
		 uint64_t high, uint64_t *to)
{
	if (units_number(value, low, high, to))
		return true;
	if (high == UINT64_MAX)
		return line_not(line, word, value, low == 0 ? "a whole number below 2^64" : "a whole number from 1");
	return line_wrong(line, "--%s: '%s' is not a whole number from %llu to %llu", word->name, value,
			  (unsigned long long)low, (unsigned long long)high);
}

bool line_u32(const struct option_line *line, const struct option_word *word, const char *value, uint32_t low,
	      uint32_t high, uint32_t *to)
{
	uint64_t n;

	if (!line_number(line, word, value, low, high, &n))
		return false;
	*to = (uint32_t)n;
	return true;
}

bool line_fd(const struct option_line *line, const struct option_word *word, const char *value, int *to)
{
	uint64_t n;

	if (!line_number(line, word, value, 0, INT32_MAX, &n))
		return false;
	*to = (int)n;
	return true;
}

bool line_time(const struct option_line *line, const struct option_word *word, const char *value, tern_time *to)
{
	return units_time(value, to) || line_not(line, word, value, "a time of at most an hour, such as 40ms");
}

/* Without a fraction where there is none: "1024 bytes", "64M". */
static void write_bytes(uint64_t bytes, char to[24])
{
	unsigned unit = 0;

	while (unit < 3 && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(to, 24, "%llu%.1s", (unsigned long long)bytes, &"\0KMG"[unit]);
}

bool line_bytes(const struct option_line *line, const struct option_word *word, const char *value, uint64_t low,
		uint64_t high, uint64_t *to)
{
	char least[24], most[24];

	if (units_bytes(value, low, high, to))
		return true;
	write_bytes(low, least);
	write_bytes(high, most);
	return line_wrong(line, "--%s: '%s' is not a number of bytes from %s to %s", word->name, value, least, most);
}

bool line_name(const struct option_line *line, const struct option_word *word, const char *value, const char **to)
{
	if (*value == '\0')
		return line_not(line, word, value, "a name");
	*to = value;
	return true;
}

bool line_choice(const struct option_line *line, const struct option_word *word, const char *value,
		 const char *const choices[], unsigned *to)
{
	char all[96] = "";

	for (unsigned i = 0; choices[i] != NULL; i++) {
		const size_t n = strlen(all);
		if (strcmp(value, choices[i]) == 0) {
			*to = i;
			return true;
		}
		(void)snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : choices[i + 1] != NULL ? ", " : " or ",
			       choices[i]);
	}
	return line_not(line, word, value, all);
}
