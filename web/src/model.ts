/* The event model of docs/json-lines.md, as types: a line of it is one Event. Beyond it the page knows two things:
 * "hdr" (the segment's headers as they were on the wire, in hex) and "say" (the line in words), which tern report adds,
 * and "ev":"fate", which the playground tells when its user lays hands on a segment in flight. */

export type Basis = "told" | "observed" | "inferred" | "unseen";

interface Line {
	v: 1;
	t: number; /* nanoseconds */
	host: string;
	conn: number;
	basis?: Basis;
	say?: string;
}

export interface Options {
	mss?: number;
	wscale?: number;
	sack_permitted?: true;
	ts?: [number, number];
	sack?: [number, number][];
}

export interface SegmentEvent extends Line {
	ev: "segment";
	dir: "tx" | "rx";
	n: number | null;
	nth: number;
	flags: string;
	seq: number;
	ack: number;
	rseq: number | null;
	rack: number | null;
	wnd: number;
	len: number;
	up?: number;
	opts: Options;
	/* tx */
	role?: string;
	fate?: string | null;
	arrives?: number | null;
	again_of?: number | null;
	probe?: true;
	forged?: true;
	gso_size?: number;
	hdr?: string;
	/* rx */
	verdict?: string;
	copy?: number;
	late?: boolean;
}

export interface StateEvent extends Line {
	ev: "state";
	from: string;
	to: string;
	why: string;
	reason: string;
}

export interface TimerEvent extends Line {
	ev: "timer";
	timer: string;
	action: "set" | "stopped" | "fired";
	deadline: number | null;
	count: number;
}

export interface RetransmitEvent extends Line {
	ev: "retransmit";
	why: string;
	seq: number;
	rseq: number | null;
	len: number;
	count: number;
	rto: number | null;
}

export interface CongestionEvent extends Line {
	ev: "congestion";
	event: string;
	cwnd: number;
	ssthresh: number;
	in_flight: number;
	controller: string;
}

export interface NoteEvent extends Line {
	ev: "note";
	note: string;
	value: number;
}

export interface DropEvent extends Line {
	ev: "drop";
	n: number | null;
	nth: number;
	len: number;
	verdict: string;
}

export interface IcmpEvent extends Line {
	ev: "icmp";
	type: number;
	code: number;
	version: number;
	acted: boolean;
	mtu: number;
}

export interface CallEvent extends Line {
	ev: "call";
	call: string;
}

/* What the playground's user did to segment n: it overrides what its "tx" line said. */
export interface FateEvent extends Line {
	ev: "fate";
	n: number;
	fate: string;
	arrives: number | null;
}

/* The samples of one end: [t, value] pairs of each series. */
export interface SeriesEvent extends Line {
	ev: "series";
	series: Record<string, [number, number][]>;
}

export interface ConnectionEvent extends Partial<Line> {
	ev: "connection";
	conn: number;
	ends: [string, string];
	/* of a capture */
	opener_known?: boolean;
	opened?: string;
	closed?: string;
	duration?: number;
	rtt?: number | null;
	segments?: number;
	/* of a gateway: events that it does not keep */
	left_out?: number;
}

export interface EndEvent extends Line {
	ev: "end";
	as_expected: boolean;
}

export interface PairEvent extends Partial<Line> {
	ev: "pair";
	conn: number;
	offset: number | null;
	uncertain: number | null;
}

/* Segments that the page was made without, so that it stays small. */
export interface FoldedEvent extends Line {
	ev: "folded";
	until: number;
	segments: number;
	octets: number;
	again: number;
	lost: number;
}

/* How a connection of a running gateway stood when it was asked: "say" has it in words. */
export interface StatusEvent extends Line {
	ev: "status";
	state: string;
	waits: string;
	who: string;
	well: boolean;
}

export type HappeningEvent = SegmentEvent | StateEvent | TimerEvent | RetransmitEvent | CongestionEvent | NoteEvent |
	DropEvent | IcmpEvent | CallEvent | FoldedEvent | StatusEvent;
export type Event = HappeningEvent | FateEvent | SeriesEvent | ConnectionEvent | EndEvent | PairEvent;

export interface Meta {
	title: string;
	source: "lab" | "record" | "capture" | "captures" | "json" | "gateway" | "playground";
	command: string;
	lang: "en" | "zh";
	version: string;
	about?: string; /* a sentence or two under the title */
}

/* JSON lines to events; what is no event of this version is counted, not shown. */
export function parseLines(text: string): { events: Event[]; broken: number } {
	const events: Event[] = [];
	let broken = 0;

	for (const line of text.split("\n")) {
		if (line.trim() === "")
			continue;
		try {
			const event = JSON.parse(line) as Event;
			if (event !== null && typeof event === "object" && typeof event.ev === "string")
				events.push(event);
			else
				broken++;
		} catch {
			broken++;
		}
	}
	return { events, broken };
}
