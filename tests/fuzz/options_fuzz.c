/* Command lines: those of tern gateway, lab, nc, wire and perf, and the words in them: addresses, prefixes, ports,
 * times, shares, rates. First byte: which of them, or words alone (modulo 5; above 250 perf); then the arguments, one
 * a line.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "gateway/filter.h"
#include "gateway/forward.h"
#include "lab/options.h"
#include "option/units.h"
#include "tool/gateway_options.h"
#include "tool/nc.h"
#include "tool/perf_options.h"
#include "tool/wire.h"

#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MOST = 32, TEXT_MOST = 4096, PERF = 5 };

static void words(const char *text)
{
	struct tern_addr addr, again;
	struct forward	 forward, second;
	struct filter	 filter = { .n = 0 };
	char		 formatted[46], published[80];
	uint64_t	 number;
	tern_time	 time = 0;
	double		 share = 0;

	if (tern_addr_parse(&addr, text) == 0 &&
	    (tern_addr_parse(&again, tern_addr_format(&addr, formatted)) != 0 ||
	     memcmp(&addr, &again, sizeof addr) != 0))
		fuzz_fail("%s: written as %s, which is another", text, formatted);
	if (forward_parse(&forward, text) == 0 &&
	    (forward_parse(&second, forward_format(published, &forward)) != 0 || second.udp != forward.udp ||
	     second.host_port != forward.host_port || second.guest_port != forward.guest_port ||
	     second.has_addr != forward.has_addr))
		fuzz_fail("%s: written as %s, which is another", text, published);
	if (filter_add(&filter, true, text) == 0) {
		const struct filter_rule *const rule = &filter.rule[0];

		if (filter.n != 1 || rule->low > rule->high)
			fuzz_fail("%s: ports from %u to %u", text, rule->low, rule->high);
		if (!rule->any && !filter_allows(&filter, &rule->prefix, rule->low ? rule->low : 1))
			fuzz_fail("%s: its own prefix is not in it", text);
	}
	if (units_time(text, &time) && (time < 0 || time > 3600 * TERN_SECOND))
		fuzz_fail("%s: a time of %lld ns", text, (long long)time);
	if (units_share(text, &share) && !(share >= 0 && share <= 1))
		fuzz_fail("%s: a share of %g", text, share);
	if (units_rate(text, &number) && number == 0)
		fuzz_fail("%s: a rate of nothing", text);
	if (units_number(text, 3, 1000, &number) && (number < 3 || number > 1000))
		fuzz_fail("%s: %llu is out of range", text, (unsigned long long)number);
}

static void gateway(int n, char *const arguments[])
{
	static struct gateway_options options;
	char			      error[GATEWAY_ERROR] = "";

	if (!gateway_options_parse(&options, n, arguments, error, sizeof error)) {
		if (!error[0] || strlen(error) >= sizeof error)
			fuzz_fail("gateway: refused without a word");
		return;
	}
	if (!options.help && (options.bits < 8 || options.bits > 28 || options.n_forwards > GATEWAY_FORWARDS))
		fuzz_fail("gateway: a network of %u bits, %u forwards", options.bits, options.n_forwards);
}

static void command(unsigned which, int n, char *const arguments[])
{
	static struct lab_options  lab;
	static struct nc_options   nc;
	static struct wire_options wire;
	static struct perf_options perf;
	char			   error[200] = "";
	bool			   good = true;

	if (which == 1)
		good = lab_options_parse(&lab, n, arguments, error, sizeof error);
	else if (which == 2)
		good = nc_options_parse(&nc, n, arguments, error, sizeof error);
	else if (which == PERF)
		good = perf_options_parse(&perf, n, arguments, error, sizeof error);
	else
		good = wire_options_parse(&wire, n, arguments, error, sizeof error);
	if (!good && (!error[0] || strlen(error) >= sizeof error))
		fuzz_fail("a command line is refused without a word");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	const unsigned first = fuzz_u8(&in), which = first > 250 ? PERF : first % 5;
	char	      *arguments[ARGUMENTS_MOST + 1] = { NULL };
	char *const    text = malloc(in.n + 1);
	int	       n = 0;

	if (!text || in.n > TEXT_MOST) {
		free(text);
		return 0;
	}
	memcpy(text, in.at, in.n);
	text[in.n] = '\0';
	for (char *at = text; n < ARGUMENTS_MOST; at++) {
		arguments[n++] = at;
		at += strcspn(at, "\n");
		if (*at == '\0')
			break;
		*at = '\0';
	}
	if (which == 0)
		gateway(n, arguments);
	else if (which < 4 || which == PERF)
		command(which, n, arguments);
	for (int i = 0; which == 4 && i < n; i++)
		words(arguments[i]);
	free(text);
	return 0;
}
