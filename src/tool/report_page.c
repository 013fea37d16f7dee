/* tern report: the page around the events. The page is made of what web/ was built to, with three marks in it;
 * what stands in their place here is escaped for where it stands. */
#include "tool/report.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef TERN_VERSION
#define TERN_VERSION "0" /* built by hand */
#endif

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
	report->events_text = report->ladder_text = NULL;
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
	fputs("<script type=\"application/x-ndjson\" id=\"tern-events\">\n", to);
	fwrite(report->events_text, 1, report->events_n, to);
	fputs("</script>\n", to);
}

static void put_static(const struct report *report, FILE *to, const char *title)
{
	const bool zh = report->language == EXPLAIN_ZH;

	fputs("<div class=\"static\"><h1>", to);
	put_text(to, title, strlen(title));
	fputs(zh ? "</h1><p>脚本已关闭：这里是时序图的文本。</p><pre>"
		 : "</h1><p>Scripts are off: this is the ladder as text.</p><pre>",
	      to);
	if (report->no_ladder)
		fputs(zh ? "（此来源的事件只能用脚本画出）"
			 : "(The events of this source are drawn by script alone.)",
		      to);
	put_text(to, report->ladder_text, report->ladder_n);
	fputs("</pre></div>", to);
}

int report_write(struct report *report, FILE *to)
{
	static const char *const marks[] = { "<!--tern:title-->", "<!--tern:static-->", "<!--tern:data-->" };
	const char *at = (const char *)tern_embedded_report, *const end = at + tern_embedded_report_n;
	const char *const title = report->title ? report->title : report->own_title;

	if (!settle(report))
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
			put_static(report, to, title);
		else
			put_data(report, to, title);
	}
	fwrite(at, 1, (size_t)(end - at), to);
	errno = 0;
	return fflush(to) == 0 && !ferror(to) ? 0 : errno ? -errno : -EIO;
}
