/* Two hosts, a link, one connection: the program of the README. */
#include <stdio.h>
#include <tern/tern.h>

int main(void)
{
	struct tern_link_config wire = { .mtu = 1500 };
	struct tern_listen	listen = { .local.port = 80 };
	struct tern_open	open = { .remote.port = 80 };
	struct tern_link       *end[2];
	tern_host	       *alice, *bob;
	tern_socket		listener, from, to;
	tern_loop	       *loop;
	char			text[6] = "";

	tern_loop_create(&loop, TERN_CLOCK_VIRTUAL);
	tern_pair_create(end, &wire, tern_allocator_default());
	tern_loop_host(loop, end[0], "10.0.0.1/24", &alice);
	tern_loop_host(loop, end[1], "10.0.0.2/24", &bob);
	tern_addr_parse(&open.remote.addr, "10.0.0.2");

	tern_listen(bob, &listen, &listener);
	tern_connect_wait(loop, alice, &open, &from, TERN_SECOND); /* SYN, SYN+ACK, ACK */
	tern_accept_wait(loop, bob, listener, &to, TERN_SECOND);
	tern_send_wait(loop, alice, from, "hello", 5, TERN_SECOND);
	tern_receive_wait(loop, bob, to, text, 5, TERN_SECOND);
	puts(text);

	tern_close(alice, from);
	tern_close(bob, to);
	tern_loop_destroy(loop);
	tern_host_destroy(alice);
	tern_host_destroy(bob);
}
