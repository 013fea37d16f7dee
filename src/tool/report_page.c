/* tern report: the page around the events. The page is made of what web/ was built to, with three marks in it;
 * what stands in their place here is escaped for where it stands. */
#include "tool/report.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef TERN_VERSION
#define TERN_VERSION "0" /* built by hand */
#endif

enum { LADDER_MAX = 128 << 10 }; /* octets of the ladder as text */

bool report_open(struct report *report)
{
	report->events = open_memstream(&report->events_text, &report->events_n);
	report->ladder = open_memstream(&report->ladder_text, &report->ladder_n);
	report->is_open = report->events && report->ladder;
	return report->is_open;
}

/* The text is whole once this has been called. False: no memory. */
static bool settle(struct report *report)
{
	bool whole = true;

	if (report->is_lines && report->events && fflush(report->events) == 0)
		report_plainly(report, report->events_text, report->events_n);
	for (FILE **file = &report->events; file; file = file == &report->events ? &report->ladder : NULL) {
		if (*file && (ferror(*file) || fclose(*file) != 0))
			whole = false;
		*file = NULL;
	}
	return whole;
}

void report_done(struct report *report)
{
	(void)settle(report);
	free(report->events_text);
	free(report->ladder_text);
	free(report->static_text);
	free(report->thin_text);
	free(report->packed);
	report->events_text = report->ladder_text = report->static_text = report->thin_text = NULL;
	report->packed = NULL;
}

void report_put(struct report *report, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char c = text[i];

		if (c == '<' || c == '>' || c == '&')
			fprintf(report->events, "\\u%04x", (unsigned)c);
		else
			fputc(c, report->events);
	}
}

void report_put_string(struct report *report, const char *text, size_t n)
{
	for (size_t i = 0; i < n && text[i]; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
			fprintf(report->events, "\\u%04x", (unsigned char)text[i]);
		else
			report_put(report, text + i, 1);
}

/* As HTML text: what could be markup is named, what is no text is shown as such. */
static void put_text(FILE *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		switch (c) {
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '&': fputs("&amp;", to); break;
		case '"': fputs("&quot;", to); break;
		case '\'': fputs("&#39;", to); break;
		default:
			if (c < 0x20 && c != '\n' && c != '\t')
				fputs("\xef\xbf\xbd", to);
			else
				fputc(c, to);
		}
	}
}

/* "name":"text" in a data block: neither quotes nor "<" end anything early. */
static void put_member(FILE *to, const char *name, const char *text, const char *after)
{
	fprintf(to, "\"%s\":\"", name);
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fprintf(to, "\"%s", after);
}

static void put_data(const struct report *report, FILE *to, const char *title)
{
	fputs("<script type=\"application/json\" id=\"tern-meta\">{", to);
	put_member(to, "title", title, ",");
	put_member(to, "source", report->source, ",");
	put_member(to, "command", report->command, ",");
	put_member(to, "about", report->about, ",");
	put_member(to, "lang", report->language == EXPLAIN_ZH ? "zh" : "en", ",");
	put_member(to, "version", TERN_VERSION, "}</script>\n");
	if (report->packed) {
		fputs("<script type=\"text/plain\" id=\"tern-events\" data-encoding=\"deflate\">", to);
		report_base64(to, report->packed, report->packed_n);
	} else {
		fputs("<script type=\"application/x-ndjson\" id=\"tern-events\">\n", to);
		fwrite(report->events_text, 1, report->events_n, to);
	}
	fputs("</script>\n", to);
}

/* The beginning and the end of a ladder that is too long to print. */
static void put_ladder(const struct report *report, FILE *to)
{
	const char *const text = report->ladder_text, *const end = text + report->ladder_n;
	const char	 *first = end, *last = end;
	size_t		  lines = 0;

	if (report->ladder_n > LADDER_MAX) {
		first = memrchr(text, '\n', LADDER_MAX / 2);
		last = memchr(end - LADDER_MAX / 2, '\n', LADDER_MAX / 2);
		first = first ? first + 1 : text;
		last = last ? last + 1 : end;
	}
	put_text(to, text, (size_t)(first - text));
	for (const char *at = first; at < last; at++)
		lines += *at == '\n';
	if (lines > 0)
		fprintf(to,
			report->language == EXPLAIN_ZH ? "\n  （此处略去 %zu 行）\n\n"
						       : "\n  (%zu lines are left out here)\n\n",
			lines);
	put_text(to, last, (size_t)(end - last));
}

static void put_static(const struct report *report, FILE *to, const char *title)
{
	const bool zh = report->language == EXPLAIN_ZH;

	fputs("<div class=\"static\"><h1>", to);
	put_text(to, title, strlen(title));
	fputs(zh ? "</h1><p>脚本已关闭：这里是时序图的文本。</p><pre>"
		 : "</h1><p>Scripts are off: this is the ladder as text.</p><pre>",
	      to);
	put_ladder(report, to);
	fputs("</pre></div>", to);
}

/* Into memory, since it counts where a page has to be small. */
static bool make_static(struct report *report, const char *title)
{
	FILE *const to = open_memstream(&report->static_text, &report->static_n);

	if (!to)
		return false;
	put_static(report, to, title);
	return fclose(to) == 0;
}

int report_write(struct report *report, FILE *to)
{
	static const char *const marks[] = { "<!--tern:title-->", "<!--tern:static-->", "<!--tern:data-->" };
	const char *at = (const char *)tern_embedded_report, *const end = at + tern_embedded_report_n;
	const char *const title = report->title ? report->title : report->own_title;

	if (!settle(report) || !make_static(report, title) ||
	    report_pack(report, tern_embedded_report_n + report->static_n) != 0)
		return -ENOMEM;
	for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++) {
		const char *const mark = memmem(at, (size_t)(end - at), marks[i], strlen(marks[i]));

		if (!mark)
			return -EINVAL; /* no page was built into this command */
		fwrite(at, 1, (size_t)(mark - at), to);
		at = mark + strlen(marks[i]);
		if (i == 0)
			put_text(to, title, strlen(title));
		else if (i == 1)
			fwrite(report->static_text, 1, report->static_n, to);
		else
			put_data(report, to, title);
	}
	fwrite(at, 1, (size_t)(end - at), to);
	errno = 0;
	return fflush(to) == 0 && !ferror(to) ? 0 : errno ? -errno : -EIO;
}
