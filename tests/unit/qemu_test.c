/* QEMU's two socket protocols, spoken to the link as a VM speaks them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/device.h>
#include <tern/loop.h>

#include "base/bytes.h"

enum { BATCH = 64 };

static char    directory[] = "/tmp/tern-qemu-XXXXXX", path[64], other[64];
static uint8_t text[70000];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/net", directory);
	(void)snprintf(other, sizeof other, "%s/vm", directory);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 11 + i / 251);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(other);
	return rmdir(directory); /* fails where a link has left its path behind */
}

static struct tern_link *make(const struct tern_qemu *settings)
{
	struct tern_link *link = NULL;

	assert_int_equal(tern_qemu_create(&link, settings, tern_allocator_default()), 0);
	return link;
}

static struct sockaddr_un address(const char *at)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	strcpy(to.sun_path, at);
	return to;
}

static int vm_connects(const char *at)
{
	const struct sockaddr_un to = address(at);
	const int		 fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static int vm_binds(const char *at, int type)
{
	const struct sockaddr_un own = address(at);
	const int		 fd = socket(AF_UNIX, type, 0);

	(void)unlink(at);
	assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
	return fd;
}

static bool is_readable(const struct tern_link *link)
{
	struct pollfd look = { .fd = link->ops->fd(link), .events = POLLIN };

	return poll(&look, 1, 0) == 1;
}

static size_t receive(struct tern_link *link, tern_packet *batch[])
{
	return link->ops->receive(link, batch, BATCH, 0);
}

/* Two parts, so that gathering shows. */
static tern_packet frame(uint32_t from, uint32_t len)
{
	return (tern_packet){
		.part = { { .at = text + from, .n = 14 }, { .at = text + from + 14, .n = len - 14 } },
		.n_parts = 2,
		.len = len,
	};
}

static size_t send_frame(struct tern_link *link, uint32_t from, uint32_t len)
{
	tern_packet packet = frame(from, len), *const batch[] = { &packet };

	return link->ops->send(link, batch, 1, 0);
}

static void vm_sends(int fd, uint32_t from, uint32_t len)
{
	uint8_t length[4];

	put32(length, len);
	assert_int_equal(write(fd, length, 4), 4);
	assert_int_equal(write(fd, text + from, len), len);
}

static void read_whole(int fd, uint8_t *to, size_t n)
{
	while (n > 0) {
		const ssize_t got = read(fd, to, n);
		assert_true(got > 0);
		to += got, n -= (size_t)got;
	}
}

static void vm_reads(int fd, uint32_t from, uint32_t len)
{
	static uint8_t got[70000];
	uint8_t	       length[4];

	read_whole(fd, length, 4);
	assert_int_equal(get32(length), len);
	read_whole(fd, got, len);
	assert_memory_equal(got, text + from, len);
}

static void stream_carries_frames_both_ways(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path });
	tern_packet	       *batch[BATCH];

	(void)state;
	const int vm = vm_connects(path);
	assert_true(is_readable(link));
	vm_sends(vm, 0, 60);
	vm_sends(vm, 7, 1514);
	vm_sends(vm, 9, 14);
	assert_int_equal(receive(link, batch), 3);
	assert_int_equal(batch[1]->len, 1514);
	assert_int_equal(batch[1]->n_parts, 1);
	assert_memory_equal(batch[1]->part[0].at, text + 7, 1514);
	assert_memory_equal(batch[2]->part[0].at, text + 9, 14);
	assert_int_equal(receive(link, batch), 0);
	assert_false(is_readable(link));
	assert_int_equal(send_frame(link, 100, 1514), 1);
	assert_int_equal(send_frame(link, 200, 65550), 1);
	vm_reads(vm, 100, 1514);
	vm_reads(vm, 200, 65550);
	close(vm);
	link->ops->close(link);
}

static void stream_in_pieces_makes_whole_frames(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path });
	tern_packet	       *batch[BATCH];
	uint8_t			bytes[4 + 200 + 4 + 100];
	size_t			n = 0;

	(void)state;
	const int vm = vm_connects(path);
	put32(bytes, 200);
	memcpy(bytes + 4, text, 200);
	put32(bytes + 204, 100);
	memcpy(bytes + 208, text + 5, 100);
	for (size_t i = 0; i < sizeof bytes; i++) {
		assert_int_equal(write(vm, bytes + i, 1), 1);
		const size_t got = receive(link, batch);

		assert_int_equal(got, i == 203 || i == sizeof bytes - 1);
		if (got)
			assert_memory_equal(batch[0]->part[0].at, n++ == 0 ? text : text + 5, i == 203 ? 200 : 100);
	}
	close(vm);
	link->ops->close(link);
}

/* A VM that does not read: the link stops taking, tells when it can go on, and no frame is torn. */
static void stream_without_room_waits_and_goes_on(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path });
	tern_packet	       *batch[BATCH];
	uint32_t		sent = 0;

	(void)state;
	const int vm = vm_connects(path);
	assert_int_equal(receive(link, batch), 0);
	while (sent < 10000 && send_frame(link, sent % 1000, 9014) == 1)
		sent++;
	assert_in_range(sent, 1, 9999);
	assert_false(is_readable(link));
	for (uint32_t i = 0; i < sent - 1; i++)
		vm_reads(vm, i % 1000, 9014);
	assert_true(is_readable(link)); /* there is room again */
	assert_int_equal(receive(link, batch), 0);
	vm_reads(vm, (sent - 1) % 1000, 9014); /* with the rest that was kept */
	assert_false(is_readable(link));
	assert_int_equal(send_frame(link, 3, 60), 1);
	vm_reads(vm, 3, 60);
	close(vm);
	link->ops->close(link);
}

static void stream_with_a_wrong_length_ends(void **state)
{
	static const uint32_t lengths[] = { 0, 65551, 0xffffffff };
	tern_packet	     *batch[BATCH];

	(void)state;
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path });
	for (unsigned i = 0; i < 3; i++) {
		struct tern_device_stats stats;
		uint8_t			 length[4];
		const int		 vm = vm_connects(path);

		vm_sends(vm, 0, 60);
		put32(length, lengths[i]);
		assert_int_equal(write(vm, length, 4), 4);
		assert_int_equal(receive(link, batch), 1); /* what came before is good */
		assert_int_equal(receive(link, batch), 0);
		assert_int_equal(read(vm, length, 4), 0);
		tern_device_stats(link, &stats);
		assert_int_equal(stats.dropped_in, i + 1);
		close(vm);
	}
	assert_int_equal(tern_device_error(link), 0); /* the next VM may come */
	link->ops->close(link);
}

static void stream_runt_is_dropped(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path });
	tern_packet	       *batch[BATCH];

	(void)state;
	const int vm = vm_connects(path);
	vm_sends(vm, 0, 13);
	vm_sends(vm, 1, 20);
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(batch[0]->len, 20);
	close(vm);
	link->ops->close(link);
}

static void vms_come_one_after_the_other(void **state)
{
	struct tern_link *const  link = make(&(struct tern_qemu){ .path = path });
	tern_packet		*batch[BATCH];
	struct tern_device_stats stats;

	(void)state;
	assert_int_equal(send_frame(link, 0, 60), 1); /* nobody there: lost */
	const int first = vm_connects(path), second = vm_connects(path);
	vm_sends(first, 0, 60);
	vm_sends(second, 50, 61);
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(batch[0]->len, 60);
	assert_int_equal(receive(link, batch), 0);
	assert_false(is_readable(link)); /* the second waits, and does not make us spin */
	close(first);
	assert_true(is_readable(link));
	assert_int_equal(receive(link, batch), 0);
	assert_true(is_readable(link));
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(batch[0]->len, 61);
	assert_int_equal(send_frame(link, 4, 99), 1);
	vm_reads(second, 4, 99);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.dropped_out, 1);
	close(second);
	link->ops->close(link);
}

static void path_of_the_dead_is_taken_over(void **state)
{
	struct tern_link *link;

	(void)state;
	close(vm_binds(path, SOCK_STREAM)); /* its file stays */
	link = make(&(struct tern_qemu){ .path = path });
	struct tern_link *second = NULL;
	assert_int_equal(tern_qemu_create(&second, &(struct tern_qemu){ .path = path }, tern_allocator_default()),
			 -EADDRINUSE);
	close(vm_connects(path)); /* still the first one's */
	link->ops->close(link);
	const int file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(tern_qemu_create(&second, &(struct tern_qemu){ .path = path }, tern_allocator_default()),
			 -EADDRINUSE); /* a file that is no socket is nobody's to remove */
	close(file);
	assert_int_equal(unlink(path), 0);
}

static void connecting_side_ends_with_the_vm(void **state)
{
	tern_packet *batch[BATCH];

	(void)state;
	const int server = vm_binds(other, SOCK_STREAM);
	assert_int_equal(listen(server, 1), 0);
	struct tern_link *const link = make(&(struct tern_qemu){ .peer = other });
	const int		vm = accept(server, NULL, NULL);
	vm_sends(vm, 0, 60);
	assert_int_equal(receive(link, batch), 1);
	close(vm);
	assert_int_equal(receive(link, batch), 0);
	assert_int_equal(tern_device_error(link), -ENOTCONN);
	assert_int_equal(link->ops->fd(link), -1);
	assert_int_equal(send_frame(link, 0, 60), 1);
	link->ops->close(link);
	close(server);
}

static void adopted_pair_carries_frames(void **state)
{
	tern_packet	 *batch[BATCH];
	struct tern_link *link;
	int		  ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(tern_qemu_adopt(&link, ends[0], &(struct tern_qemu){ .mtu = 9000 }, tern_allocator_default()),
			 0);
	assert_int_equal(link->config.mtu, 9000);
	vm_sends(ends[1], 0, 60);
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(send_frame(link, 0, 9014), 1);
	vm_reads(ends[1], 0, 9014);
	link->ops->close(link);
	assert_int_equal(read(ends[1], &(uint8_t){ 0 }, 1), 0); /* closed with it */
	close(ends[1]);
}

static void datagram_vm_reads(int vm, uint32_t from, uint32_t len)
{
	static uint8_t got[70000];

	assert_int_equal(recv(vm, got, sizeof got, MSG_DONTWAIT), len);
	assert_memory_equal(got, text + from, len);
}

static void datagram_vm_sends(int vm, uint32_t from, uint32_t len)
{
	const struct sockaddr_un to = address(path);

	assert_int_equal(sendto(vm, text + from, len, 0, (const struct sockaddr *)&to, sizeof to), len);
}

static void datagrams_carry_frames_both_ways(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path, .peer = other, .dgram = true });
	tern_packet	       *batch[BATCH];

	(void)state;
	assert_int_equal(send_frame(link, 0, 60), 1); /* QEMU is not up yet: lost */
	int vm = vm_binds(other, SOCK_DGRAM);
	datagram_vm_sends(vm, 0, 60);
	datagram_vm_sends(vm, 1, 65550);
	datagram_vm_sends(vm, 1, 13); /* a runt */
	assert_true(is_readable(link));
	assert_int_equal(receive(link, batch), 2);
	assert_int_equal(batch[1]->len, 65550);
	assert_memory_equal(batch[1]->part[0].at, text + 1, 65550);
	assert_int_equal(send_frame(link, 5, 1514), 1);
	datagram_vm_reads(vm, 5, 1514);
	close(vm); /* and another one takes its place */
	vm = vm_binds(other, SOCK_DGRAM);
	datagram_vm_sends(vm, 0, 60); /* heard although nothing was said to it yet */
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(send_frame(link, 6, 1000), 1);
	datagram_vm_reads(vm, 6, 1000);
	close(vm);
	link->ops->close(link);
}

static void datagram_peer_is_learned(void **state)
{
	struct tern_link *const  link = make(&(struct tern_qemu){ .path = path, .dgram = true });
	struct tern_device_stats stats;
	tern_packet		*batch[BATCH];

	(void)state;
	assert_int_equal(send_frame(link, 0, 60), 1);
	const int vm = vm_binds(other, SOCK_DGRAM);
	datagram_vm_sends(vm, 0, 60);
	assert_int_equal(receive(link, batch), 1);
	assert_int_equal(send_frame(link, 5, 1514), 1);
	datagram_vm_reads(vm, 5, 1514);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.dropped_out, 1);
	assert_int_equal(stats.packets_out, 1);
	close(vm);
	link->ops->close(link);
}

/* Linux queues few datagrams: the link waits for room, without being told "writable" all the time. */
static void datagrams_without_room_wait(void **state)
{
	struct tern_link *const link = make(&(struct tern_qemu){ .path = path, .peer = other, .dgram = true });
	tern_packet	       *batch[BATCH];
	uint32_t		sent = 0;

	(void)state;
	const int vm = vm_binds(other, SOCK_DGRAM);
	while (sent < 10000 && send_frame(link, sent, 1514) == 1)
		sent++;
	assert_in_range(sent, 1, 9999);
	assert_false(is_readable(link));
	for (uint32_t i = 0; i < sent; i++)
		datagram_vm_reads(vm, i, 1514);
	assert_true(is_readable(link));
	assert_int_equal(receive(link, batch), 0);
	assert_int_equal(send_frame(link, 1, 60), 1);
	datagram_vm_reads(vm, 1, 60);
	assert_false(is_readable(link));
	close(vm);
	link->ops->close(link);
}

/* A connected datagram socket hears only whom it is connected to: the one we hear on. */
static void datagram_peer_that_connected_is_answered(void **state)
{
	struct tern_link *const	 link = make(&(struct tern_qemu){ .path = path, .dgram = true });
	const struct sockaddr_un to = address(path);
	const int		 vm = vm_binds(other, SOCK_DGRAM);
	struct tern_device_stats stats;
	tern_packet		*batch[BATCH];

	(void)state;
	assert_int_equal(connect(vm, (const struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(vm, text, 60, 0), 60);
	assert_int_equal(receive(link, batch), 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(send_frame(link, i, 1514), 1);
		datagram_vm_reads(vm, i, 1514);
	}
	for (uint32_t i = 0; i < 10000; i++) /* its queue is full: lost, not waited for */
		assert_int_equal(send_frame(link, 0, 1514), 1);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.packets_out + stats.dropped_out, 10003);
	assert_true(stats.dropped_out > 0);
	assert_false(is_readable(link));
	close(vm);
	link->ops->close(link);
}

static void wrong_settings_are_refused(void **state)
{
	char		     deep[200];
	struct tern_link    *link = NULL;
	const struct {
		struct tern_qemu settings;
		int		 error;
	} rows[] = {
		{ { .path = NULL }, -EINVAL },
		{ { .peer = other, .dgram = true }, -EINVAL },
		{ { .path = path, .mtu = 67 }, -EINVAL },
		{ { .path = path, .mtu = 65522 }, -EINVAL },
		{ { .path = path, .mac = { 0x01 } }, -EINVAL },
		{ { .path = deep }, -ENAMETOOLONG },
		{ { .path = "/nonexistent/tern" }, -ENOENT },
		{ { .peer = "/nonexistent/tern" }, -ENOENT },
	};

	(void)state;
	memset(deep, 'x', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int error = tern_qemu_create(&link, &rows[i].settings, tern_allocator_default());
		if (error != rows[i].error)
			fail_msg("row %u: %d, not %d", i, error, rows[i].error);
		assert_null(link);
	}
	assert_int_equal(tern_qemu_create(&link, &(struct tern_qemu){ .path = path }, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_carries_frames_both_ways),
		cmocka_unit_test(stream_in_pieces_makes_whole_frames),
		cmocka_unit_test(stream_without_room_waits_and_goes_on),
		cmocka_unit_test(stream_with_a_wrong_length_ends),
		cmocka_unit_test(stream_runt_is_dropped),
		cmocka_unit_test(vms_come_one_after_the_other),
		cmocka_unit_test(path_of_the_dead_is_taken_over),
		cmocka_unit_test(connecting_side_ends_with_the_vm),
		cmocka_unit_test(adopted_pair_carries_frames),
		cmocka_unit_test(datagrams_carry_frames_both_ways),
		cmocka_unit_test(datagram_peer_is_learned),
		cmocka_unit_test(datagrams_without_room_wait),
		cmocka_unit_test(datagram_peer_that_connected_is_answered),
		cmocka_unit_test(wrong_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
