/* --control PATH: a UNIX stream socket that tells of the gateway while it runs, and changes its forwards.
 *
 * Each request is one line with one JSON object, whose values are strings, integers, true, false or null:
 *
 *	{"do":"flows"}	  each flow: {"id":7,"kind":"tcp","inbound":false,"guest":"10.0.2.100","guest_port":40112,
 *			  "to":"192.0.2.1","to_port":443,"onward":"192.0.2.1","onward_port":443,
 *			  "state":"ESTABLISHED","age_ms":1200,"idle_ms":3,"up":517,"down":90210}
 *	{"do":"sockets"}  each TCP connection with its STATUS, listener, half-open and TIME-WAIT entry:
 *			  {"state":"CLOSE-WAIT","local":"10.0.2.2","local_port":80,...,"held":true,"idle_ms":31200,...};
 *			  timers as milliseconds from now, null where they are not armed
 *	{"do":"history"}  what connections did lately (--history), as the lines of docs/json-lines.md, then
 *			  {"now":123,"connections":3,"events":512,"left_out":0,"forgotten":0,"bytes":4194304}
 *	{"do":"forwards"} each forward: {"id":1,"forward":"127.0.0.1:8080:80/tcp"}
 *	{"do":"stats"}	  each counter: {"name":"tcp_opened","value":3}
 *	{"do":"add","forward":"8080:80/udp"}	as -p has it: {"id":2,"forward":"8080:80/udp"}; host port 0: any
 *	{"do":"remove","id":2}
 *
 * Each answer is a line for each thing there is to tell, then {"ok":true}, or {"ok":false,"error":"..."} alone.
 */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "gateway/gateway.h"

enum { CONTROL_LINE = 4096 }; /* octets of a request with its newline, at most */

/* A text that grows. lost: memory ran out; what it holds then is not to be used. */
struct control_text {
	char  *at;
	size_t n, room;
	bool   lost;
};

/* Answers one request, without its newline, ended by zero. */
void control_answer(struct gateway *gateway, const char *request, struct control_text *to);

/* The value of a field of a flat JSON object as text, strings unescaped. -TERN_ENOENT: not there;
 * -TERN_EINVAL: no such object, or no room. Pure. */
int control_field(const char *object, const char *name, char *to, size_t room);

#endif
