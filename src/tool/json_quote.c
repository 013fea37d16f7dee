#include "tool/json_quote.h"

#include "watch/text.h"

void json_quote(FILE *to, const char *text)
{
	fputc('"', to);
	while (*text) {
		const char *const from = text;
		const uint32_t	  code = text_decode(&text);

		if (code == '"' || code == '\\')
			fprintf(to, "\\%c", (int)code);
		else if (code < 0x20 || code == 0x7f)
			fprintf(to, "\\u%04x", (unsigned)code);
		else if (code == 0xfffd)
			fputs("\xef\xbf\xbd", to);
		else
			fwrite(from, 1, (size_t)(text - from), to);
	}
	fputc('"', to);
}
