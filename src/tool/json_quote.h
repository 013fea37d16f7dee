/* Text that may hold anything, as a JSON string. */
#ifndef TOOL_JSON_QUOTE_H
#define TOOL_JSON_QUOTE_H

#include <stdio.h>

/* With its quotes; RFC 8259 7: quotes, backslashes and control characters are escaped. What is not UTF-8 becomes
 * U+FFFD. */
void json_quote(FILE *to, const char *text);

#endif
