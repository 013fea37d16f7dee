/* One request to a gateway, and its answer line by line. */
#include "tool/control_client.h"
#include "gateway/control.h"
#include "link/unix_socket.h"
#include "tool/tool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int reach(const char *path)
{
	struct sockaddr_un name;
	const int	   long_one = unix_address(&name, path);

	if (long_one != 0)
		return long_one;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof name) == 0)
		return fd < 0 ? -errno : fd;
	const int error = -errno;
	close(fd);
	return error;
}

static int take_answer(const char *command, const char *path, FILE *from,
		       void (*line)(void *context, const char *text), void *context)
{
	static const char refused[] = "{\"ok\":false,\"error\":\"";
	char		 *text = NULL;
	size_t		  room = 0;
	int		  code = -1;

	while (code < 0 && getline(&text, &room, from) > 0) {
		if (strcmp(text, "{\"ok\":true}\n") == 0) {
			code = TOOL_OK;
		} else if (strncmp(text, refused, sizeof refused - 1) == 0) {
			char *const why = text + sizeof refused - 1, *const end = strstr(why, "\"}\n");
			if (end)
				*end = '\0';
			code = tool_failed(command, "%s", why);
		} else {
			line(context, text);
		}
	}
	free(text);
	return code >= 0 ? code : tool_failed(command, "%s: the gateway went away", path);
}

int control_ask(const char *command, const char *path, const char *request,
		void (*line)(void *context, const char *text), void *context)
{
	const int fd = reach(path);

	if (fd < 0)
		return tool_failed(command, "%s: %s", path, strerror(-fd));
	const size_t length = strlen(request);
	FILE *const  stream =
		 send(fd, request, length, MSG_NOSIGNAL) == (ssize_t)length ? fdopen(fd, "r") : NULL;
	if (!stream) {
		close(fd);
		return tool_failed(command, "%s: the gateway went away", path);
	}
	const int code = take_answer(command, path, stream, line, context);
	(void)fclose(stream);
	return code;
}

int64_t control_number(const char *text, const char *field, int64_t otherwise)
{
	char value[32], *end;

	if (control_field(text, field, value, sizeof value) != 0)
		return otherwise;
	const long long number = strtoll(value, &end, 10);
	return end != value && *end == '\0' ? number : otherwise;
}

bool control_true(const char *text, const char *field)
{
	char value[32];

	return control_field(text, field, value, sizeof value) == 0 && strcmp(value, "true") == 0;
}
