/* Sockets at a path (link/unix_socket.c): what lies there already decides. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "link/unix_socket.h"

static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

static char folder[] = "/tmp/tern-unix-XXXXXX";

static struct sockaddr_un at(const char *name)
{
	struct sockaddr_un address;
	char		   path[sizeof folder + 20];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(unix_address(&address, path), 0);
	return address;
}

static int in_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_goes(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int reach(const struct sockaddr_un *address, int type)
{
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	const int error = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
	close(fd);
	return error;
}

static void paths_have_a_length(void **state)
{
	struct sockaddr_un address;
	char		   path[sizeof address.sun_path + 1];

	(void)state;
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_int_equal(unix_address(&address, path), -ENAMETOOLONG);
	path[sizeof path - 2] = '\0';
	assert_int_equal(unix_address(&address, path), 0);
	assert_string_equal(address.sun_path, path);
	assert_int_equal(unix_address(&address, ""), -ENOENT);
}

static void what_nobody_serves_is_replaced(void **state)
{
	const struct sockaddr_un address = at("left");

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const int dead = unix_bind(&address, types[i]);

		assert_true(dead >= 0);
		close(dead);
		assert_int_equal(reach(&address, types[i]), -ECONNREFUSED);
		const int fd = unix_bind(&address, types[i]);
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		if (types[i] == SOCK_STREAM)
			assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(reach(&address, types[i]), 0);
		close(fd);
		assert_int_equal(unlink(address.sun_path), 0);
	}
}

static void what_is_served_stays(void **state)
{
	const struct sockaddr_un address = at("served");

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const int fd = unix_bind(&address, types[i]);

		assert_true(fd >= 0);
		if (types[i] == SOCK_STREAM)
			assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(unix_bind(&address, types[i]), -EADDRINUSE);
		assert_int_equal(reach(&address, types[i]), 0);
		close(fd);
		assert_int_equal(unlink(address.sun_path), 0);
	}
}

/* connect(2) says of it what it says of a socket that nobody serves. */
static void what_is_no_socket_stays(void **state)
{
	const struct sockaddr_un file = at("file"), link = at("link"), socket = at("socket");
	struct stat		 stat;

	(void)state;
	const int fd = open(file.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	const int dead = unix_bind(&socket, SOCK_STREAM);
	assert_true(dead >= 0);
	close(dead);
	assert_int_equal(symlink(socket.sun_path, link.sun_path), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(unix_bind(&file, types[i]), -EADDRINUSE);
		assert_int_equal(unix_bind(&link, types[i]), -EADDRINUSE);
	}
	assert_int_equal(lstat(file.sun_path, &stat), 0);
	assert_int_equal(stat.st_size, 4);
	assert_int_equal(lstat(link.sun_path, &stat), 0);
	assert_int_equal(unlink(file.sun_path) | unlink(link.sun_path) | unlink(socket.sun_path), 0);
}

static void no_folder_is_told(void **state)
{
	const struct sockaddr_un address = at("none/socket");

	(void)state;
	assert_int_equal(unix_bind(&address, SOCK_STREAM), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_have_a_length),
		cmocka_unit_test(what_nobody_serves_is_replaced),
		cmocka_unit_test(what_is_served_stays),
		cmocka_unit_test(what_is_no_socket_stays),
		cmocka_unit_test(no_folder_is_told),
	};

	return cmocka_run_group_tests(tests, in_folder, folder_goes);
}
