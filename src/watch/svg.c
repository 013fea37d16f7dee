#include "watch/svg.h"

#include "watch/text.h"

static bool is_char(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff && code != 0x7f;
}

void svg_text(FILE *to, const char *text)
{
	while (*text) {
		const char *const from = text;
		const uint32_t	  code = text_decode(&text);

		switch (code) {
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '&': fputs("&amp;", to); break;
		case '"': fputs("&quot;", to); break;
		case '\'': fputs("&#39;", to); break;
		default:
			if (is_char(code) && code != 0xfffd)
				fwrite(from, 1, (size_t)(text - from), to);
			else
				fputs("\xef\xbf\xbd", to);
		}
	}
}
