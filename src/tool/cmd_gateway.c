/* tern gateway: reads the command line, and hands over. */
#include "gateway/gateway.h"
#include "tool/gateway_options.h"
#include "tool/tool.h"

int tool_gateway(int n, char *const arguments[])
{
	static struct gateway_options options;
	char error[GATEWAY_ERROR];
	if (!gateway_options_parse(&options, n, arguments, error, sizeof error))
		return tool_wrong("gateway", "%s", error);
	if (options.help) {
		gateway_help(stdout);
		return tool_flushed("gateway") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	return gateway_run(&options);
}
