/* What the page shows: events as they came, and what follows from them for one connection. Events are only ever added,
 * so a live source calls append(); all that is derived is made anew when it is asked for after that. */

import type { ConnectionEvent, Event, FateEvent, HappeningEvent, Meta, SegmentEvent } from "./model";

export type Side = 0 | 1;

/* A segment's way: sent at row `sent`, arrived at rows `arrived`. */
export interface Rung {
	n: number;
	sent: number; /* index into View.events; -1: nobody was seen to send it */
	arrived: number[];
	side: Side; /* of its sender */
	segment: SegmentEvent;
	fate: string | null;
	arrives: number | null;
	lost: boolean;
	held: boolean;
	why: string | null; /* of a retransmission */
}

export interface Now {
	state: [string, string]; /* "": that end tells nothing of its states */
	basis: [string, string];
	since: [number, number];
	edge: [string, string]; /* "FROM>TO", the last that was taken */
}

export interface View {
	conn: number;
	about: ConnectionEvent | null;
	names: [string, string];
	events: HappeningEvent[];
	sides: Side[];
	rungs: Rung[];
	rungOf: (Rung | null)[]; /* by event */
	states: number[]; /* indices of state events */
	series: [Record<string, [number, number][]>, Record<string, [number, number][]>];
	end: number; /* the last time that a segment was sent or came: 2MSL is no part of the plots */
	isCapture: boolean;
}

const lostFates = new Set(["lost", "dropped", "queue-full", "too-big"]);

export class Store {
	meta: Meta;
	events: Event[] = [];
	broken = 0;
	private listeners = new Set<() => void>();
	private views = new Map<number, View>();

	constructor(meta: Meta) {
		this.meta = meta;
	}

	append(events: Event[]): void {
		for (const event of events)
			this.events.push(event);
		this.changed();
	}

	reset(meta: Meta): void {
		this.meta = meta;
		this.events = [];
		this.changed();
	}

	onChange(listener: () => void): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	private changed(): void {
		this.views.clear();
		for (const listener of this.listeners)
			listener();
	}

	/* Numbers of the connections, in their order. */
	connections(): number[] {
		const found = new Set<number>();

		for (const event of this.events)
			if (typeof event.conn === "number" && event.conn > 0)
				found.add(event.conn);
		return [...found].sort((a, b) => a - b);
	}

	connectionAbout(conn: number): ConnectionEvent | null {
		for (const event of this.events)
			if (event.ev === "connection" && event.conn === conn)
				return event;
		return null;
	}

	/* Of one connection; 0: of all together. */
	view(conn: number): View {
		let view = this.views.get(conn);

		if (!view) {
			view = makeView(this, conn);
			this.views.set(conn, view);
		}
		return view;
	}
}

function namesOf(store: Store, conn: number): [string, string] {
	const seen: string[] = [];

	for (const event of store.events) {
		if (event.ev === "connection" || event.ev === "pair" || typeof event.host !== "string")
			continue;
		if ((conn === 0 || event.conn === conn) && !seen.includes(event.host))
			seen.push(event.host);
		if (seen.length === 2)
			break;
	}
	const first = seen[0] ?? "client";
	if (first === "tern" && seen.length === 1)
		return ["guest", first]; /* a gateway tells of its own end alone */
	if (first === "server" || first === "B")
		return [first === "B" ? "A" : "client", first];
	return [first, seen[1] ?? (first === "A" ? "B" : first === "client" ? "server" : "peer")];
}

function emptyView(store: Store, conn: number): View {
	return {
		conn, about: store.connectionAbout(conn), names: namesOf(store, conn), events: [], sides: [],
		rungs: [], rungOf: [], states: [], series: [{}, {}], end: 0, isCapture: false,
	};
}

class Maker {
	readonly byNumber = new Map<number, Rung>();
	readonly why: [string | null, string | null] = [null, null];

	constructor(readonly view: View) {}

	take(event: HappeningEvent): void {
		const view = this.view, at = view.events.length, side: Side = event.host === view.names[1] ? 1 : 0;
		let rung: Rung | null = null;

		if (event.ev === "retransmit") {
			this.why[side] = event.why;
		} else if (event.ev === "segment") {
			rung = event.dir === "tx" ? this.sent(event, at, side) : this.arrived(event, at, side);
		} else if (event.ev === "drop" && event.n !== null) {
			rung = this.byNumber.get(event.n) ?? null;
			rung?.arrived.push(at);
		} else if (event.ev === "state") {
			view.states.push(at);
		}
		view.events.push(event);
		view.sides.push(side);
		view.rungOf.push(rung);
		if (event.ev === "segment" || view.end === 0)
			view.end = Math.max(view.end, event.t);
		view.isCapture ||= event.basis !== undefined;
	}

	private sent(event: SegmentEvent, at: number, side: Side): Rung {
		const rung: Rung = {
			n: event.n ?? 0, sent: at, arrived: [], side, segment: event, fate: event.fate ?? null,
			arrives: event.arrives ?? null, lost: lostFates.has(event.fate ?? ""), held: false,
			why: event.again_of !== undefined || event.probe ? this.why[side] : null,
		};

		this.why[side] = null;
		if (event.n !== null)
			this.byNumber.set(event.n, rung);
		this.view.rungs.push(rung);
		return rung;
	}

	private arrived(event: SegmentEvent, at: number, side: Side): Rung {
		let rung = event.n === null ? undefined : this.byNumber.get(event.n);

		if (!rung) {
			rung = {
				n: event.n ?? 0, sent: -1, arrived: [], side: side === 0 ? 1 : 0, segment: event,
				fate: null, arrives: event.t, lost: false, held: false, why: null,
			};
			this.view.rungs.push(rung);
		}
		rung.arrived.push(at);
		return rung;
	}

	fate(event: FateEvent): void {
		const rung = this.byNumber.get(event.n);

		if (!rung)
			return;
		rung.fate = event.fate;
		rung.arrives = event.arrives;
		rung.held = event.fate === "held";
		rung.lost = lostFates.has(event.fate);
	}
}

function makeView(store: Store, conn: number): View {
	const view = emptyView(store, conn);
	const maker = new Maker(view);

	for (const event of store.events) {
		if (conn !== 0 && event.conn !== conn && event.conn !== 0)
			continue;
		switch (event.ev) {
		case "connection": case "pair": case "end": break;
		case "fate": maker.fate(event); break;
		case "series":
			Object.assign(view.series[event.host === view.names[1] ? 1 : 0], event.series);
			break;
		default:
			if (event.conn !== 0 || event.ev === "call" || event.ev === "drop" || event.ev === "state" ||
			    conn === 0 || event.ev === "segment")
				maker.take(event);
		}
	}
	return view;
}

/* The state of both ends after event `at`. */
export function stateAt(view: View, at: number): Now {
	const now: Now = {
		state: ["CLOSED", "CLOSED"], basis: ["told", "told"], since: [0, 0], edge: ["", ""],
	};
	const began: [boolean, boolean] = [false, false];

	for (const i of view.states) {
		const event = view.events[i]!, side = view.sides[i]!;

		if (event.ev !== "state")
			continue;
		if (i > at) {
			/* what it was before the first change that is told */
			if (!began[side])
				now.state[side] = event.from;
			began[side] = true;
			continue;
		}
		began[side] = true;
		now.state[side] = event.to;
		now.basis[side] = event.basis ?? "told";
		now.since[side] = event.t;
		now.edge[side] = `${event.from}>${event.to}`;
	}
	for (const side of [0, 1] as const)
		if (!began[side] && view.conn !== 0 && view.events.length > 0)
			now.state[side] = "";
	return now;
}
