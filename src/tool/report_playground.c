/* tern report --playground: the page with the stack itself inside, as WebAssembly. */
#include "tool/report.h"

#include <errno.h>
#include <string.h>

#ifndef TERN_VERSION
#define TERN_VERSION "0" /* built by hand */
#endif

/* web/dist/playground.html and web/wasm/tern-play.wasm. */
extern const unsigned char tern_embedded_playground[], tern_embedded_module[];
extern const size_t	   tern_embedded_playground_n, tern_embedded_module_n;

static void put_base64(FILE *to, const unsigned char *from, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		const unsigned long a = from[i], b = i + 1 < n ? from[i + 1] : 0, c = i + 2 < n ? from[i + 2] : 0;
		const unsigned long bits = a << 16 | b << 8 | c;
		const char four[4] = { digits[bits >> 18 & 63], digits[bits >> 12 & 63],
				       i + 1 < n ? digits[bits >> 6 & 63] : '=', i + 2 < n ? digits[bits & 63] : '=' };

		fwrite(four, 1, sizeof four, to);
	}
}

static void put_mark(FILE *to, unsigned which, enum explain_language language)
{
	const bool zh = language == EXPLAIN_ZH;

	switch (which) {
	case 0: fputs(zh ? "tern 演练场" : "tern playground", to); return;
	case 1:
		fputs(zh ? "<p>演练场需要脚本。</p>" :
			   "<p>The playground runs a TCP/IP stack in the page: it needs scripts.</p>", to);
		return;
	default:
		fprintf(to, "<template id=\"tern-wasm\" data-lang=\"%s\" data-version=\"%s\">", zh ? "zh" : "en",
			TERN_VERSION);
		put_base64(to, tern_embedded_module, tern_embedded_module_n);
		fputs("</template>\n", to);
	}
}

int report_playground(FILE *to, enum explain_language language)
{
	static const char *const marks[] = { "<!--tern:title-->", "<!--tern:static-->", "<!--tern:data-->" };
	const char *at = (const char *)tern_embedded_playground, *const end = at + tern_embedded_playground_n;

	for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++) {
		const char *const mark = memmem(at, (size_t)(end - at), marks[i], strlen(marks[i]));

		if (mark == NULL)
			return -EINVAL; /* no page was built into this command */
		fwrite(at, 1, (size_t)(mark - at), to);
		at = mark + strlen(marks[i]);
		put_mark(to, i, language);
	}
	fwrite(at, 1, (size_t)(end - at), to);
	errno = 0;
	return fflush(to) == 0 && !ferror(to) ? 0 : errno ? -errno : -EIO;
}
