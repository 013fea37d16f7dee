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
		report_base64(to, tern_embedded_module, tern_embedded_module_n);
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
