/* tern report -: standard input as a file like any other, which can be looked at and then read, twice if need be. */
#include "tool/report.h"
#include "tool/tool.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_file(void)
{
	struct stat status;

	return fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
}

static int copy(FILE *to)
{
	static char buffer[1 << 16];
	ssize_t	    n;

	do {
		n = read(STDIN_FILENO, buffer, sizeof buffer);
		if (n > 0 && fwrite(buffer, 1, (size_t)n, to) != (size_t)n)
			return -errno;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 || fflush(to) != 0 ? -errno : 0;
}

int report_keep_input(void)
{
	if (is_file())
		return TOOL_OK;
	FILE *const kept = tmpfile(); /* it has no name, and goes with us */
	const int   error = kept ? copy(kept) : -errno;

	if (error == 0 && dup2(fileno(kept), STDIN_FILENO) >= 0)
		return TOOL_OK;
	return tool_failed("report", "standard input cannot be kept: %s", strerror(error ? -error : errno));
}
