#include "watch/catalogue.h"

/* English. Each text says what happens, then why, then where the RFC has it. */

#define EDGE(from, to, why, text)                                                               \
	{                                                                                       \
		TERN_STATE_##from, TERN_STATE_##to, TERN_WHY_##why, text                        \
	}

static const struct catalogue_edge edges[] = {
	EDGE(CLOSED, LISTEN, OPEN_PASSIVE,
	     "The program at {me} listens: a passive open. From now on a SYN for this port finds somebody; "
	     "nothing is sent. (RFC 9293 3.10.1)"),
	EDGE(CLOSED, SYN_SENT, OPEN_ACTIVE,
	     "The program at {me} asks for a connection: an active open. {Me} chooses its initial sequence "
	     "number so that old segments of an earlier connection cannot be mistaken for new ones, and its "
	     "SYN is due. (RFC 9293 3.10.1, 3.4.1)"),
	EDGE(LISTEN, SYN_SENT, OPEN_ACTIVE,
	     "A socket that listened now opens actively: the passive open becomes an active one. (RFC 9293 "
	     "3.10.1)"),
	EDGE(LISTEN, SYN_RECEIVED, SYN_ARRIVED,
	     "A SYN found the listener. {Me} keeps a small entry for it, not yet a full connection: {peer} "
	     "has not proved that it hears the answer. (RFC 9293 3.10.7.2, RFC 4987 3.5)"),
	EDGE(LISTEN, CLOSED, CLOSE_CALLED,
	     "The program stops listening; connections that it has accepted live on. (RFC 9293 3.10.4)"),

	EDGE(SYN_SENT, SYN_RECEIVED, SYN_ARRIVED,
	     "A SYN arrived where {me} expected a SYN-ACK: both sides opened at once. {Me} answers with SYN "
	     "and ACK and waits for the acknowledgment of its own SYN. (RFC 9293 3.10.7.3, MUST-10)"),
	EDGE(SYN_SENT, ESTABLISHED, SYN_ACK_ARRIVED,
	     "The SYN-ACK acknowledges exactly the SYN that {me} sent, so it is no old duplicate. For {me} "
	     "the connection is open: it may send text along with its ACK. (RFC 9293 3.10.7.3)"),
	EDGE(SYN_SENT, CLOSED, REFUSED,
	     "The RST acknowledges {me}'s SYN, so {me} believes it: nobody listens there, and the open fails "
	     "with \"connection refused\". (RFC 9293 3.10.7.3)"),
	EDGE(SYN_SENT, CLOSED, CLOSE_CALLED,
	     "The program changed its mind before the connection was open: nothing was agreed on, so nothing "
	     "needs closing. (RFC 9293 3.10.4)"),
	EDGE(SYN_SENT, CLOSED, ABORT_CALLED,
	     "The program aborts an open that nobody has answered; there is nobody to send an RST to. (RFC "
	     "9293 3.10.5)"),
	EDGE(SYN_SENT, CLOSED, R2,
	     "The SYN was repeated for at least three minutes and nobody answered: the open fails with a "
	     "time-out. (RFC 9293 3.8.3, MUST-23)"),

	EDGE(SYN_RECEIVED, ESTABLISHED, OUR_SYN_ACKED,
	     "The ACK carries {me}'s number + 1: whoever sent it has seen the SYN-ACK. Now both sides know "
	     "that they hear and are heard, and {me} commits what a full connection takes. (RFC 9293 "
	     "3.10.7.4)"),
	EDGE(SYN_RECEIVED, FIN_WAIT_1, CLOSE_CALLED,
	     "The program closes before the opening is complete: the FIN follows as soon as the SYN is "
	     "acknowledged. (RFC 9293 3.10.4)"),
	EDGE(SYN_RECEIVED, LISTEN, RST_ARRIVED,
	     "An RST ends the half-open connection and {me} listens again; its program hears nothing of it. "
	     "This is how an old duplicate SYN comes to nothing. (RFC 9293 3.10.7.4, 3.5)"),
	EDGE(SYN_RECEIVED, CLOSED, RST_ARRIVED,
	     "An RST ends the opening; {me} had opened actively, so the open is refused. (RFC 9293 3.10.7.4)"),
	EDGE(SYN_RECEIVED, CLOSED, HALF_OPEN_GIVEN_UP,
	     "Nobody completed the handshake. {Me} repeated its SYN-ACK a few times only, since {peer} has "
	     "proved nothing, and forgets the entry. (RFC 9293 3.8.3, RFC 4987 3.3)"),
	EDGE(SYN_RECEIVED, CLOSED, LISTENER_CLOSED,
	     "The listener was closed, and its half-open connections end with it. (RFC 9293 3.10.4)"),

	EDGE(ESTABLISHED, FIN_WAIT_1, CLOSE_CALLED,
	     "The program at {me} has no more to send. {Me} closes first: it is the active closer. Its FIN "
	     "goes out after all text that is still queued. (RFC 9293 3.10.4, 3.6)"),
	EDGE(ESTABLISHED, CLOSE_WAIT, FIN_ARRIVED,
	     "A FIN arrived, with every octet before it: {peer} has no more to send. {Me} is the passive "
	     "closer; its program reads the end of the stream and may still send for as long as it likes: a "
	     "half-close. (RFC 9293 3.10.7.4, 3.6)"),

	EDGE(FIN_WAIT_1, FIN_WAIT_2, OUR_FIN_ACKED,
	     "{Me}'s FIN is acknowledged: its own direction is closed. Now it waits for the FIN of {peer}, "
	     "and goes on receiving until then. (RFC 9293 3.10.7.4)"),
	EDGE(FIN_WAIT_1, CLOSING, FIN_ARRIVED,
	     "A FIN arrived that does not acknowledge {me}'s: both closed at once. Both directions have "
	     "ended, but {me} must still learn that its FIN got through. (RFC 9293 3.10.7.4, 3.6)"),
	EDGE(FIN_WAIT_1, TIME_WAIT, FIN_AND_ACK_ARRIVED,
	     "One segment acknowledges {me}'s FIN and carries {peer}'s: FIN-WAIT-2 is passed over, as figure "
	     "5 of the RFC does not show but its text says. {Me} waits for 2MSL. (RFC 9293 3.10.7.4)"),
	EDGE(FIN_WAIT_2, TIME_WAIT, FIN_ARRIVED,
	     "{Peer}'s FIN is here: both directions have ended. {Me} waits for 2MSL (twice the longest life "
	     "of a segment) for two reasons: if its last ACK is lost it must answer the FIN again, and old "
	     "segments must die before the same ports are used anew. (RFC 9293 3.10.7.4, 3.6.1)"),
	EDGE(FIN_WAIT_2, CLOSED, ORPHAN_TIMEOUT,
	     "The program has let go, and {peer} neither sends nor closes: {me} gives the connection up. The "
	     "RFC would wait for ever; this time-out is a departure that every stack makes. (RFC 9293 3.6.1)"),

	EDGE(CLOSE_WAIT, LAST_ACK, CLOSE_CALLED,
	     "The program at {me} has finished too. Its FIN is the last thing {me} has to say; only the ACK "
	     "of it is missing. (RFC 9293 3.10.4)"),
	EDGE(CLOSING, TIME_WAIT, OUR_FIN_ACKED,
	     "The FINs crossed, and now {me}'s is acknowledged as well. After a simultaneous close both "
	     "sides wait for 2MSL. (RFC 9293 3.10.7.4, 3.6)"),
	EDGE(LAST_ACK, CLOSED, OUR_FIN_ACKED,
	     "{Me}'s FIN is acknowledged: both directions are closed and both sides know it. The passive "
	     "closer needs no TIME-WAIT: it has nothing left that could get lost. (RFC 9293 3.10.7.4)"),
	EDGE(LAST_ACK, CLOSED, R2,
	     "{Me} repeated its FIN until the limit R2, and no ACK came: {peer} is gone. All text had been "
	     "delivered, so nothing is lost. (RFC 9293 3.8.3)"),
	EDGE(LAST_ACK, CLOSED, RST_ARRIVED,
	     "An RST answers the FIN: {peer} has forgotten the connection. Nothing is left to be lost. (RFC "
	     "9293 3.10.7.4)"),

	EDGE(TIME_WAIT, CLOSED, TWO_MSL,
	     "2MSL of silence have passed: {peer} has the last ACK, and no segment of this connection lives "
	     "in the network any more. The two ports are free. (RFC 9293 3.10.8, 3.4.2)"),
	EDGE(TIME_WAIT, CLOSED, TIME_WAIT_REUSED,
	     "A new SYN, provably younger than anything of the old connection (by its timestamp, or by a "
	     "larger sequence number), ends TIME-WAIT early. (RFC 9293 3.6.1, MAY-2, RFC 6191 2)"),
	EDGE(TIME_WAIT, CLOSED, TIME_WAIT_GIVEN_UP,
	     "Memory for TIME-WAIT is spent, so the oldest entry ends early; it is counted. The risk is an "
	     "old segment in a new connection, which timestamps catch. (RFC 9293 3.6.1, RFC 7323 5)"),
};

const struct catalogue catalogue_en = {
	.role = {
		[ROLE_SYN] =
			"{Me} sends SYN: it wants a connection, and {seq} is where its octets will count from "
			"(its initial sequence number, shown as 0). It tells what it can do: largest segment, "
			"window scale, SACK, timestamps. (RFC 9293 3.5)",
		[ROLE_CROSSING_SYN] =
			"{Me} opens actively too, before the SYN of {peer} has reached it: the two SYNs "
			"cross. One connection comes of it, not two. (RFC 9293 3.5, MUST-10)",
		[ROLE_SYN_ACK] =
			"{Me} answers with one segment that does two things: SYN carries its own initial "
			"sequence number, and ACK {ack} says that {peer}'s SYN, which takes one sequence "
			"number, is here. {Peer} now knows that it hears and is heard. (RFC 9293 3.5)",
		[ROLE_CROSSING_SYN_ACK] =
			"{Me} acknowledges the SYN that crossed its own, and repeats its own SYN with it. "
			"(RFC 9293 3.5, 3.10.7.3)",
		[ROLE_THIRD] =
			"{Me} acknowledges the SYN of {peer} with its number + 1. Segments 1 and 2 proved one "
			"direction, 2 and 3 prove the other. Two segments would not do: an old duplicate SYN "
			"would open a dead connection. (RFC 9293 3.5)",
		[ROLE_TEXT] =
			"{Me} sends {len} octets, numbers {seq} to {last}. {Peer} will acknowledge them with "
			"{next}, the number of the octet that it wants next. (RFC 9293 3.4)",
		[ROLE_ACK] =
			"{Me} has every octet before {ack} and has room for {wnd} more: the window. An ACK "
			"that carries no text is not acknowledged itself. (RFC 9293 3.4, 3.8.6)",
		[ROLE_DUPLICATE_ACK] =
			"{Me} says ACK {ack} again: something arrived, but not the octet that it waits for. "
			"The third repetition tells {peer} that a segment is lost. (RFC 5681 3.2)",
		[ROLE_WINDOW_UPDATE] =
			"Nothing new to acknowledge, but the window is another: {me} has room for {wnd} "
			"octets now. (RFC 9293 3.8.6)",
		[ROLE_WINDOW_CLOSED] =
			"{Me} acknowledges what it has and announces a window of 0: its program does not read "
			"and the buffer is full. {Peer} must stop sending. (RFC 9293 3.8.6)",
		[ROLE_WINDOW_PROBE] =
			"{Me} asks with a small segment whether the window is still closed. The ACK that "
			"opened it may have been lost, and then both would wait for ever. (RFC 9293 3.8.6.1, "
			"MUST-36)",
		[ROLE_KEEPALIVE] =
			"Long silence: {me} sends a keep-alive, a segment with a number that {peer} has had "
			"already. A living peer must answer it with an ACK. (RFC 9293 3.8.4)",
		[ROLE_PROBE_ANSWER] =
			"{Me} answers the probe with what it has said before: ACK {ack}, window {wnd}. That "
			"it answers is the news. (RFC 9293 3.8.6.1, 3.8.4)",
		[ROLE_FIN] =
			"{Me} sends FIN: \"I have no more to send\". It is the active closer. The FIN takes a "
			"sequence number of its own, {fin}, as a SYN does. Only this direction ends; {peer} "
			"may go on sending. (RFC 9293 3.6)",
		[ROLE_FIN_ACKED] =
			"{Me} acknowledges the FIN with its number + 1, {ack}. The ACK goes at once, while "
			"{me}'s own FIN waits until its program has finished: so a close takes four segments, "
			"not three. (RFC 9293 3.6)",
		[ROLE_SECOND_FIN] =
			"{Me}, the passive closer, has no more to send either: its FIN, number {fin}, ends "
			"the other direction. (RFC 9293 3.6)",
		[ROLE_FIN_AND_ACK] =
			"{Me} had finished already, so one segment both acknowledges the FIN of {peer} and "
			"carries its own: this close takes three segments. (RFC 9293 3.6, 3.10.7.4)",
		[ROLE_CROSSING_FIN] =
			"{Me} closes too, before the FIN of {peer} has reached it: the FINs cross, a "
			"simultaneous close. (RFC 9293 3.6)",
		[ROLE_SECOND_FIN_ACKED] =
			"{Me} acknowledges the second FIN with its number + 1, {ack}. Nobody acknowledges "
			"this ACK, so {me} cannot know that it arrives and must stay to answer again. (RFC "
			"9293 3.6)",
		[ROLE_CROSSING_FIN_ACKED] =
			"{Me} acknowledges the FIN that crossed its own with ACK {ack}. (RFC 9293 3.6)",
		[ROLE_RST] =
			"{Me} sends RST: the connection ends at once, without waiting for what is under way. "
			"An RST is never answered. (RFC 9293 3.5.2, 3.10.5)",
		[ROLE_REFUSAL] =
			"Nobody listens on this port of {me}: it refuses with RST. The RST acknowledges the "
			"SYN, so that {peer} can tell it from a forged one. (RFC 9293 3.5.2, 3.10.7.1)",
		[ROLE_STRAY_RST] =
			"What arrived belongs to no connection of {me}: it answers with RST, and takes its "
			"number from the ACK that provoked it, so that {peer} will believe it. (RFC 9293 "
			"3.5.2)",
	},
	.fate = {
		[TERN_FATE_DELIVERED] = "The network carries it to {peer}. (RFC 9293 2.2)",
		[TERN_FATE_LOST] =
			"The network loses it. Nobody is told: only the ACK that does not come will show it. "
			"(RFC 9293 3.8)",
		[TERN_FATE_DROPPED] =
			"The network drops it, as this run has it (--drop does the same). Nobody is told: "
			"only the ACK that does not come will show it. (RFC 9293 3.8.1)",
		[TERN_FATE_QUEUE_FULL] =
			"The queue before the bottleneck is full and drops it: congestion. TCP takes the loss "
			"as a sign to send less. (RFC 5681 3.1)",
		[TERN_FATE_DUPLICATED] =
			"The network delivers it twice; sequence numbers will show the second to be a copy. "
			"(RFC 9293 3.4)",
		[TERN_FATE_CORRUPTED] =
			"A bit flips on the way: the checksum will show it. (RFC 9293 3.1, MUST-3)",
		[TERN_FATE_REORDERED] =
			"The network holds it back, and what was sent later overtakes it. (RFC 9293 3.4)",
		[TERN_FATE_MARKED] =
			"The network delivers it, marked: congestion experienced. {Peer} is to echo that. (RFC 3168 "
			"5)",
		[TERN_FATE_TOO_BIG] =
			"It is larger than what this path carries, and no router says so: it vanishes. Only smaller "
			"segments will get through. (RFC 2923 2.1, RFC 4821 1)",
	},
	.verdict = {
		[TERN_VERDICT_ACCEPTED] =
			"{Me} takes it: it lies in the window and is processed to its end. (RFC 9293 "
			"3.10.7.4)",
		[TERN_VERDICT_DUPLICATE] =
			"{Me} has every octet of it already: a copy, or sent again because an ACK was lost. "
			"It keeps nothing and acknowledges again. (RFC 9293 3.10.7.4)",
		[TERN_VERDICT_OUT_OF_ORDER] =
			"It lies in the window but beyond the octet that {me} waits for. {Me} keeps it and at "
			"once acknowledges what it has, so that {peer} sees the gap. (RFC 9293 3.10.7.4, RFC "
			"5681 4.2)",
		[TERN_VERDICT_OUT_OF_WINDOW] =
			"It lies outside the window: {me} drops it and answers with an ACK that says what it "
			"expects. (RFC 9293 3.10.7.4)",
		[TERN_VERDICT_PAWS] =
			"Its timestamp is older than one that {me} has seen: an old duplicate, though its "
			"number would fit. Dropped, and answered with an ACK. (RFC 7323 5.3)",
		[TERN_VERDICT_NO_TIMESTAMP] =
			"Both sides agreed on timestamps, and it has none: dropped. (RFC 7323 3.2)",
		[TERN_VERDICT_BAD_ACK] =
			"It acknowledges what {me} never sent, so it answers another connection than this: "
			"the three-way handshake at work. (RFC 9293 3.10.7.3, 3.10.7.4)",
		[TERN_VERDICT_OLD_ACK] =
			"It acknowledges less than any window allows: very old, or an attacker's guess. "
			"Dropped, and challenged with an ACK. (RFC 5961 5.2)",
		[TERN_VERDICT_NO_ACK] =
			"It has no ACK bit, in a state where every segment has one: dropped. (RFC 9293 "
			"3.10.7.4)",
		[TERN_VERDICT_NO_SYN] =
			"In SYN-SENT {me} waits for a SYN or an RST, and this is neither: dropped. (RFC 9293 "
			"3.10.7.3)",
		[TERN_VERDICT_RESET] =
			"The RST has exactly the number that {me} expects next, so {me} believes it: the "
			"connection is over. (RFC 9293 3.5.3, RFC 5961 3.2)",
		[TERN_VERDICT_REFUSED] =
			"The RST acknowledges the SYN of {me}: the other side has seen it and says no. (RFC "
			"9293 3.10.7.3)",
		[TERN_VERDICT_BLIND_RESET] =
			"An RST in the window, but not with the number expected next: anyone might guess "
			"that. {Me} answers with a challenge ACK; if {peer} means it, an RST with the right "
			"number follows. (RFC 5961 3.2)",
		[TERN_VERDICT_STRAY_RESET] =
			"The RST names no connection of {me}, or lies outside the window: dropped, and not "
			"answered. (RFC 9293 3.5.3, 3.10.7.1)",
		[TERN_VERDICT_BLIND_SYN] =
			"A SYN on an open connection: {peer} has started anew, or someone guesses. {Me} "
			"changes nothing and sends a challenge ACK; a peer that lost the connection will "
			"answer with RST. (RFC 5961 4.2)",
		[TERN_VERDICT_DUPLICATE_SYN] =
			"The same SYN again: {peer} has not seen the SYN-ACK, so {me} sends it again. (RFC "
			"9293 3.10.7.4, 3.8.1)",
		[TERN_VERDICT_NEW_CONNECTION] =
			"A listener waits on this port and takes the SYN. (RFC 9293 3.10.7.2)",
		[TERN_VERDICT_NO_CONNECTION] =
			"{Me} has no connection of these two addresses and ports, and no listener: the answer "
			"is RST. (RFC 9293 3.10.7.1)",
		[TERN_VERDICT_BACKLOG_FULL] =
			"The listener has no place left: dropped without a word, so that {peer} tries again "
			"rather than gives up. (RFC 4987 3.2)",
		[TERN_VERDICT_COOKIE_SENT] =
			"The listener's entries are all taken, so {me} keeps nothing: all that it must "
			"remember is hashed into the initial sequence number of its SYN-ACK, a SYN cookie. "
			"(RFC 4987 3.6)",
		[TERN_VERDICT_COOKIE_ACCEPTED] =
			"The ACK returns the cookie + 1: {me} works out the connection from it. Only who "
			"really received the SYN-ACK can do that. (RFC 4987 3.6)",
		[TERN_VERDICT_COOKIE_BAD] =
			"An ACK to a listener that no cookie explains: answered with RST. (RFC 9293 3.10.7.2, "
			"RFC 4987 3.6)",
		[TERN_VERDICT_NOT_ALLOWED] =
			"The listener was opened for another remote side, or its program said no: refused. "
			"(RFC 9293 3.10.1, 3.10.7.2)",
		[TERN_VERDICT_WAITING] =
			"The program at {me} decides whether to take it; until then nothing is answered. (RFC "
			"9293 3.10.7.2)",
		[TERN_VERDICT_TIME_WAIT] =
			"{Me} is in TIME-WAIT and knows this segment: a FIN that comes again is acknowledged "
			"again and 2MSL starts over; an RST changes nothing. (RFC 9293 3.10.7.4, RFC 1337 3)",
		[TERN_VERDICT_TIME_WAIT_REUSED] =
			"A SYN for a connection in TIME-WAIT, provably younger than all that was: {me} lets "
			"go of the old one and takes the new. (RFC 9293 3.6.1, RFC 6191 2)",
		[TERN_VERDICT_TEXT_AFTER_CLOSE] =
			"Text for a program that has let go: nobody will ever read it, and {peer} must learn "
			"that, so the answer is RST. (RFC 9293 3.6.1)",
		[TERN_VERDICT_NO_MEMORY] =
			"{Me} has no memory for it: dropped as if the network had lost it; {peer} will send "
			"it again. (RFC 9293 3.8.1)",
		[TERN_VERDICT_MALFORMED] =
			"Its header is cut short or contradicts itself: dropped and counted. (RFC 9293 3.1)",
		[TERN_VERDICT_BAD_CHECKSUM] =
			"The checksum is wrong, so no bit of it can be trusted, not even the ports: dropped "
			"silently. {Peer} will send it again. (RFC 9293 3.1, MUST-3)",
		[TERN_VERDICT_BAD_ADDRESS] =
			"It comes from or goes to an address that no connection can have: dropped. (RFC 9293 "
			"3.9.2.3, MUST-57, MUST-63)",
	},
	.timer = {
		[TERN_TIMER_RETRANSMIT] =
			"No ACK has come within the retransmission time-out: {me} takes the oldest "
			"unacknowledged segment for lost, will send it again and doubles the time-out. (RFC "
			"6298 5)",
		[TERN_TIMER_PERSIST] =
			"The window has been closed for a while: {me} will probe it, again and again, ever "
			"more rarely, but without end. (RFC 9293 3.8.6.1, MUST-37)",
		[TERN_TIMER_DELAYED_ACK] =
			"{Me} held its ACK back a moment, in case text of its own could carry it; now it must "
			"go. (RFC 9293 3.8.6.3, MUST-40)",
		[TERN_TIMER_KEEPALIVE] =
			"The connection has been silent for the keep-alive time: {me} asks whether {peer} is "
			"still there. (RFC 9293 3.8.4)",
		[TERN_TIMER_USER] =
			"The time that the program gave its data to be acknowledged is over. (RFC 9293 "
			"3.10.8)",
		[TERN_TIMER_ORPHAN] =
			"No program holds the connection any more and {peer} keeps silent: {me} waits no "
			"longer. (RFC 9293 3.6.1)",
		[TERN_TIMER_TIME_WAIT] = "Twice the maximum segment lifetime has passed. (RFC 9293 3.10.8)",
		[TERN_TIMER_SYN_ACK] =
			"The third segment has not come: {me} will send its SYN-ACK again. (RFC 9293 3.8.1, "
			"RFC 6298 5)",
		[TERN_TIMER_SWS] =
			"Text too small to be worth a segment has waited long enough: it goes. (RFC 9293 "
			"3.8.6.2.1)",
		[TERN_TIMER_RACK] =
			"A segment sent later was delivered, and this one had its time to catch up: it is "
			"lost, not only late. (RFC 8985 6.2)",
		[TERN_TIMER_PROBE] =
			"The last segments are unacknowledged and nothing follows that could show a loss: "
			"{me} sends one more to find out. (RFC 8985 7.2)",
		[TERN_TIMER_PACE] =
			"The next segment's moment has come: text is spread over the round trip rather than "
			"sent in a burst. (RFC 9002 7.7)",
	},
	.retransmit = {
		[TERN_RETRANSMIT_TIMEOUT] =
			"This is segment {again} once more: its time-out ran out. (RFC 6298 5.4)",
		[TERN_RETRANSMIT_FAST] =
			"This is segment {again} once more, without waiting for the time-out: duplicate ACKs "
			"show that later segments arrived and this one did not. (RFC 5681 3.2)",
		[TERN_RETRANSMIT_RACK] =
			"This is segment {again} once more, without waiting for the time-out: one sent later "
			"has arrived, and this one had its time to catch up. (RFC 8985 6.2)",
		[TERN_RETRANSMIT_PARTIAL_ACK] =
			"The ACK covered only part of what was sent before the loss, so the segment behind it "
			"was lost too: {again} once more. (RFC 6582 3.2)",
		[TERN_RETRANSMIT_AFTER_TIMEOUT] =
			"After the time-out all that was in flight counts as lost; {again} follows once more. "
			"(RFC 5681 3.1)",
		[TERN_RETRANSMIT_ZERO_WINDOW_PROBE] =
			"The probe carries what the closed window does not let through. (RFC 9293 3.8.6.1)",
		[TERN_RETRANSMIT_TAIL_PROBE] =
			"A tail loss probe: {again} once more, since only its ACK can show whether the end of "
			"the flight arrived. (RFC 8985 7.3)",
		[TERN_RETRANSMIT_PATH_MTU] =
			"{again} was too large for the path: its octets go again in smaller segments. (RFC "
			"1191 6.4, RFC 8201 5.4)",
		[TERN_RETRANSMIT_DUPLICATE_SYN] =
			"The SYN came again, so the SYN-ACK goes again. (RFC 9293 3.8.1)",
		[TERN_RETRANSMIT_KEEPALIVE] =
			"The keep-alive repeats a number that {peer} has had. (RFC 9293 3.8.4)",
	},
	.congestion = {
		[TERN_CONGESTION_INIT] =
			"The congestion window begins at {cwnd} octets: the initial window. (RFC 6928 2)",
		[TERN_CONGESTION_SLOW_START_EXIT] =
			"Slow start ends at {cwnd} octets; from here the window grows by about a segment per "
			"round trip. (RFC 5681 3.1)",
		[TERN_CONGESTION_RECOVERY_ENTER] =
			"A loss means congestion: {me} sets ssthresh to {ssthresh} octets, about half of what "
			"was in flight, and repairs the loss in fast recovery. (RFC 5681 3.2)",
		[TERN_CONGESTION_RECOVERY_EXIT] =
			"All that was in flight at the loss is acknowledged: recovery ends, with a window of "
			"{cwnd} octets. (RFC 6582 3.2)",
		[TERN_CONGESTION_TIMEOUT] =
			"After a time-out nothing is known of the path: {me} falls back to one segment "
			"({cwnd} octets) and starts slowly again, to {ssthresh}. (RFC 5681 3.1)",
		[TERN_CONGESTION_UNDO] =
			"The retransmission was not needed: nothing was lost, only late, as a timestamp, a "
			"duplicate that {peer} reports, or text that was sent only once shows. The window is "
			"restored to {cwnd} octets. (RFC 3522 3.2, RFC 3708 3, RFC 5682 3, RFC 4015 3)",
		[TERN_CONGESTION_IDLE_RESTART] =
			"After a silence longer than the time-out {me} starts from the restart window, {cwnd} "
			"octets. (RFC 5681 4.1)",
		[TERN_CONGESTION_ECN] =
			"A router marked a packet instead of dropping it: {me} slows down as for a loss, to "
			"{cwnd} octets. (RFC 3168 6.1.2)",
		[TERN_CONGESTION_TAIL_LOSS] =
			"The end of the flight had been lost, and the probe repaired that without a time-out. A "
			"loss means congestion all the same: the window shrinks to {cwnd} octets. (RFC 8985 7.4)",
	},
	.note = {
		[TERN_NOTE_ZERO_WINDOW_SENT] =
			"The receive buffer of {me} is full; its window is closed until its program reads. "
			"(RFC 9293 3.8.6)",
		[TERN_NOTE_ZERO_WINDOW_RECEIVED] =
			"{Peer}'s window is 0: {me} may not send, and starts its persist timer. (RFC 9293 "
			"3.8.6.1)",
		[TERN_NOTE_WINDOW_OPENED] =
			"The window is open again, and by enough to be worth it: sending goes on. (RFC 9293 "
			"3.8.6, 3.8.6.2)",
		[TERN_NOTE_WINDOW_SHRUNK] =
			"{Peer} took back room that it had offered, which it should not; {me} must bear it. "
			"(RFC 9293 3.8.6, MUST-34)",
		[TERN_NOTE_SOFT_ERROR] =
			"A router says that something is wrong on the way. That may pass, so the connection "
			"stays; the program may ask for it. (RFC 9293 3.9.2.2, RFC 5461 2.2)",
		[TERN_NOTE_R1] =
			"The same octets have been sent again R1 times: {me} tells its program that the path "
			"is in doubt. (RFC 9293 3.8.3, SHLD-10)",
		[TERN_NOTE_COOKIES_ON] =
			"The listener's half-open entries are all taken: from here {me} answers SYNs with "
			"cookies and keeps nothing. (RFC 4987 3.6)",
		[TERN_NOTE_COOKIES_OFF] =
			"The listener has room again: half-open entries, which can do more than cookies. (RFC "
			"4987 3.7)",
		[TERN_NOTE_PATH_MTU] =
			"The path carries packets of at most {value} bytes: segments are cut to fit. (RFC "
			"1191 3, RFC 8201 4)",
		[TERN_NOTE_URGENT] =
			"The urgent pointer advanced: the program is told. New programs should not use it. "
			"(RFC 9293 3.8.5, RFC 6093 5)",
		[TERN_NOTE_OUT_OF_ORDER_DROPPED] =
			"Memory is short: {me} drops text that was not in order yet. It may: SACK is advice "
			"only. (RFC 2018 8)",
		[TERN_NOTE_CHALLENGE_LIMITED] =
			"A challenge ACK was due, but {me} has sent its share of this second's. (RFC 5961 7)",
		[TERN_NOTE_TEXT_LOST] =
			"The program let go while text was unread or unsent: that text is gone, and {peer} is "
			"told by RST. (RFC 9293 3.6.1)",
		[TERN_NOTE_BLACK_HOLE] =
			"Large segments vanish again and again, and no ICMP says why: {me} takes the path for one that "
			"eats them, and cuts to packets of {value} bytes. (RFC 4821 7.7, RFC 8899 4.3)",
		[TERN_NOTE_PROBED_MTU] =
			"The probe arrived: the path carries packets of {value} bytes, and from here segments are as "
			"large. (RFC 4821 7.6.1, RFC 8899 5.3.2)",
		[TERN_NOTE_ECN_AGREED] =
			"Both sides speak ECN (RFC {value}): routers may mark packets of new text instead of "
			"dropping them, and the receiver tells the sender. (RFC 3168 6.1.1, RFC 9768 3.1)",
		[TERN_NOTE_CE_RECEIVED] =
			"A packet came with the mark \"congestion experienced\": from here {me} tells {peer} in "
			"its ACKs. (RFC 3168 6.1.3, RFC 9768 3.2)",
		[TERN_NOTE_ECN_MANGLED] =
			"What {peer} tells of the marks cannot be: something on the path changes them. {Me} sends "
			"nothing that may be marked any more, and believes no mark. (RFC 9768 3.2.2.3)",
		[TERN_NOTE_WINDOW_FULL] =
			"{Me} has sent all that {peer}'s window allows: what comes next waits for {peer}, not"
			" for the path. (RFC 9293 3.8.6)",
		[TERN_NOTE_NEEDLESS] =
			"The octets that {me} repeats had arrived: {peer} acknowledged them before. The timer"
			" was short, or the ACK late or lost. (RFC 5682 1, RFC 2883 4)",
		[TERN_NOTE_OVERTAKEN] =
			"This segment was sent before the one that the capture shows first: the path has "
			"changed their order. (RFC 5681 3.2, RFC 4737 3)",
		[TERN_NOTE_LOST_BEFORE] =
			"The capture does not hold the first sending of these octets: they were lost on the "
			"way from {me} to where it was made. (RFC 5681 3.2)",
		[TERN_NOTE_MISSING] =
			"{Me} acknowledges octets that the capture does not hold: they passed beside it, or "
			"it lost them; what they changed is not known. (RFC 9293 3.4)",
		[TERN_NOTE_CHALLENGE_ACK] =
			"{Me} does not believe the segment before and asks {peer} by an ACK: one who really "
			"meant it can prove so with the number in it. (RFC 5961 3.2, 4.2)",
		[TERN_NOTE_RESET_PROVOKED] =
			"Segment {value} was the last that {me} had seen: it had no use for it, or gave up "
			"the connection then. (RFC 9293 3.5.2)",
	},
	.why = {
		[TERN_WHY_OPEN_PASSIVE] = "{Me} begins to listen: {from} to {to}. (RFC 9293 3.10.1)",
		[TERN_WHY_OPEN_ACTIVE] = "{Me} opens actively: {from} to {to}. (RFC 9293 3.10.1)",
		[TERN_WHY_SYN_ARRIVED] = "A SYN arrived in {from}. (RFC 9293 3.10.7)",
		[TERN_WHY_SYN_ACK_ARRIVED] = "A SYN-ACK arrived in {from}. (RFC 9293 3.10.7.3)",
		[TERN_WHY_OUR_SYN_ACKED] = "The SYN of {me} is acknowledged in {from}. (RFC 9293 3.10.7.4)",
		[TERN_WHY_CLOSE_CALLED] = "The program at {me} closes in {from}. (RFC 9293 3.10.4)",
		[TERN_WHY_FIN_ARRIVED] =
			"A FIN arrived in {from}: {peer} has no more to send. (RFC 9293 3.10.7.4)",
		[TERN_WHY_OUR_FIN_ACKED] = "The FIN of {me} is acknowledged in {from}. (RFC 9293 3.10.7.4)",
		[TERN_WHY_FIN_AND_ACK_ARRIVED] =
			"One segment carried the peer's FIN and the ACK of ours in {from}. (RFC 9293 "
			"3.10.7.4)",
		[TERN_WHY_RST_ARRIVED] =
			"An RST with the expected number ended the connection in {from}. What was not yet "
			"acknowledged or read is lost, and the program reads \"connection reset\". (RFC 9293 "
			"3.10.7.4, 3.5.3)",
		[TERN_WHY_REFUSED] = "An RST answered the SYN in {from}. (RFC 9293 3.10.7.3)",
		[TERN_WHY_ABORT_CALLED] =
			"The program at {me} aborts in {from}: queued text is thrown away, and an RST tells "
			"{peer}, so that it does not wait in vain. (RFC 9293 3.10.5)",
		[TERN_WHY_TWO_MSL] = "2MSL of silence ended {from}. (RFC 9293 3.10.8)",
		[TERN_WHY_R2] =
			"In {from} the same octets were sent again and again until the limit R2, and no ACK "
			"came: {peer} or the path is gone. {Me} ends the connection and tells its program. "
			"(RFC 9293 3.8.3)",
		[TERN_WHY_USER_TIMEOUT] =
			"In {from} data was not acknowledged within the time that the program allows: {me} "
			"ends the connection. (RFC 9293 3.10.8, RFC 5482 3)",
		[TERN_WHY_KEEPALIVE] =
			"In {from} keep-alives went unanswered: {peer} is gone, and {me} ends the connection "
			"rather than keep it for ever. (RFC 9293 3.8.4)",
		[TERN_WHY_ORPHAN_TIMEOUT] =
			"In {from} no program holds the connection any more and {peer} keeps silent; {me} "
			"gives up waiting. The RFC has no such limit: a departure. (RFC 9293 3.6.1)",
		[TERN_WHY_TIME_WAIT_REUSED] =
			"A new SYN took the place of the connection in {from}. (RFC 9293 3.6.1, RFC 6191 2)",
		[TERN_WHY_TIME_WAIT_GIVEN_UP] = "Memory is short, and {from} ends early. (RFC 9293 3.6.1)",
		[TERN_WHY_ICMP] =
			"A router or host says that the other side cannot be reached. In {from} nothing is at "
			"stake yet, so {me} believes it and the open fails. (RFC 9293 3.9.2.2, RFC 5927 5.2)",
		[TERN_WHY_LISTENER_CLOSED] =
			"The listener closed, and what was half-open in {from} ends with it. (RFC 9293 "
			"3.10.4)",
		[TERN_WHY_HALF_OPEN_GIVEN_UP] = "Nobody completed the handshake in {from}. (RFC 9293 3.8.3)",
		[TERN_WHY_TEXT_UNREAD] =
			"The program at {me} closed in {from} without reading all that came, or more came "
			"after it: {me} sends RST, so that {peer} knows that its text was not taken. (RFC "
			"9293 3.6.1, RFC 2525 2.17)",
	},
	.attack =
		"{Me} never sent this: somebody in the network forged it and hopes that {peer} believes it. "
		"(RFC 4987 2, RFC 5961 1)",
	.forged =
		"Not the present {me} sends this: it is an old duplicate, kept in the network from an "
		"earlier time. (RFC 9293 3.5)",
	.icmp =
		"An ICMP error that quotes a segment of this connection. {Me} checks that the quoted number "
		"is in flight before it believes it. (RFC 9293 3.9.2.2, RFC 5927 4.1)",
	.edges = edges,
	.n_edges = sizeof edges / sizeof *edges,
	.client = "the client",
	.client_begin = "The client",
	.server = "the server",
	.server_begin = "The server",
	.of_seven = "segment %u of the seven",
	.arrives = "%u arrives at %s",
	.likewise = "As above.",
};
