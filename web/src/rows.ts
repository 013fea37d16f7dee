/* The ladder's rows: which events stand on rows of their own, what is folded, and where nothing happened. */

import type { HappeningEvent } from "./model";
import type { Test } from "./filter";
import type { Rung, View } from "./store";

export type Row =
	| { kind: "event"; at: number }
	| { kind: "gap"; ns: number; at: number }
	| { kind: "fold"; from: number; to: number; at: number; segments: number; octets: number; ns: number; absent: number };

export interface RowOptions {
	timers: boolean;
	fold: boolean;
	opened: Set<number>; /* folds that were opened, by the event that they begin with */
	test: Test | null;
}

const GAP = 1e9, GAPS = 20; /* a second, and twenty times what is usual between two rows */
const RUN = 14, KEPT = 4; /* a run of as many rows is folded, all but as many at either end */

/* An arrival that stands with its sending: from one vantage it is not a moment of its own. */
export function isWithSending(view: View, at: number): boolean {
	const event = view.events[at]!, rung = view.rungOf[at];

	return event.ev === "segment" && event.dir === "rx" && rung !== null && rung !== undefined && rung.sent >= 0 &&
		event.t === view.events[rung.sent]!.t && event.basis !== undefined;
}

function isShown(view: View, at: number, options: RowOptions): boolean {
	const event = view.events[at]!;

	switch (event.ev) {
	case "timer": return options.timers || (event.action === "fired" && event.timer !== "delayed-ack");
	case "retransmit": return false; /* its segment says so */
	case "segment": return !isWithSending(view, at);
	default: return true;
	}
}

/* Nothing but text and its acknowledgement, where nothing went wrong. */
function isPlain(event: HappeningEvent, rung: Rung | null): boolean {
	if (event.ev === "timer" || event.ev === "folded")
		return true;
	if (event.ev !== "segment" || rung === null || rung.lost || rung.held || rung.why !== null)
		return false;
	if (rung.segment.again_of !== undefined || rung.arrived.length > 1 || event.late)
		return false;
	const fine = event.dir === "tx" ? event.fate === "delivered" || event.fate === undefined || event.fate === null :
		event.verdict === "accepted";
	return fine && !/[SFRU]/.test(event.flags) && (event.role === undefined || /^(text|ack|window-update)$/.test(event.role));
}

function foldRuns(view: View, shown: number[], options: RowOptions, gap: number): Row[] {
	const rows: Row[] = [];

	for (let i = 0; i < shown.length;) {
		let end = i;
		while (end < shown.length && isPlain(view.events[shown[end]!]!, view.rungOf[shown[end]!] ?? null) &&
			(end === i || view.events[shown[end]!]!.t - endOf(view.events[shown[end - 1]!]!) < gap))
			end++;
		if (end - i <= RUN || options.opened.has(shown[i]!)) {
			const upTo = Math.max(end, i + 1);
			for (; i < upTo; i++)
				rows.push({ kind: "event", at: shown[i]! });
			continue;
		}
		for (let k = 0; k < KEPT; k++)
			rows.push({ kind: "event", at: shown[i + k]! });
		rows.push(foldOf(view, shown.slice(i + KEPT, end - KEPT), shown[i]!));
		for (let k = end - KEPT; k < end; k++)
			rows.push({ kind: "event", at: shown[k]! });
		i = end;
	}
	return rows;
}

/* When it is over. */
function endOf(event: HappeningEvent): number {
	return event.ev === "folded" ? event.until : event.t;
}

function foldOf(view: View, hidden: number[], key: number): Row {
	const from = hidden[0]!, to = hidden[hidden.length - 1]!;
	let segments = 0, octets = 0, absent = 0;

	for (const at of hidden) {
		const event = view.events[at]!;
		if (event.ev === "segment" && event.dir === "tx") {
			segments++;
			octets += event.len;
		} else if (event.ev === "folded") {
			segments += event.segments;
			octets += event.octets;
			absent += event.segments;
		}
	}
	return { kind: "fold", from, to, at: key, segments, octets, ns: endOf(view.events[to]!) - view.events[from]!.t, absent };
}

function typicalStep(view: View): number {
	const steps: number[] = [];

	for (let i = 1; i < view.events.length; i += Math.max(1, Math.floor(view.events.length / 2000))) {
		const step = view.events[i]!.t - view.events[i - 1]!.t;
		if (step > 0)
			steps.push(step);
	}
	steps.sort((a, b) => a - b);
	return steps[Math.floor(steps.length / 2)] ?? GAP;
}

export function makeRows(view: View, options: RowOptions): Row[] {
	const shown: number[] = [];

	for (let at = 0; at < view.events.length; at++)
		if (isShown(view, at, options) && (!options.test || options.test(at)))
			shown.push(at);
	const gap = Math.min(GAP, Math.max(typicalStep(view) * GAPS, 50e6));
	const rows = options.fold && !options.test ? foldRuns(view, shown, options, gap) :
		shown.map((at): Row => ({ kind: "event", at }));
	const spaced: Row[] = [];
	let before: number | null = null;

	for (const row of rows) {
		const begins = row.kind === "fold" ? view.events[row.from]!.t : view.events[row.at]!.t;
		if (before !== null && begins - before >= gap)
			spaced.push({ kind: "gap", ns: begins - before, at: row.at });
		spaced.push(row);
		before = endOf(view.events[row.kind === "fold" ? row.to : row.at]!);
	}
	return spaced;
}
