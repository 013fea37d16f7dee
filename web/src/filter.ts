/* The filter: words that all have to hold. A word is a host's name, a kind of event ("state", "timer"), a word for what
 * went wrong ("lost", "again"), a state, FIELD:VALUE, or FIELD with =, < or > and a number; "-" before it denies it. What
 * is none of these is looked for in the line's own words. */

import type { HappeningEvent } from "./model";
import type { Rung, View } from "./store";

export type Test = (at: number) => boolean;

const comparison = /^([a-z_]+)(<=|>=|=|<|>)(-?\d+)$/;

function numberOf(event: HappeningEvent, rung: Rung | null, name: string): number | null {
	if (name === "n")
		return rung ? rung.n : null;
	if (name === "t")
		return event.t / 1e6;
	const value = (event as unknown as Record<string, unknown>)[name === "seq" ? "rseq" : name === "ack" ? "rack" : name];
	return typeof value === "number" ? value : null;
}

function compare(left: number, sign: string, right: number): boolean {
	switch (sign) {
	case "<": return left < right;
	case ">": return left > right;
	case "<=": return left <= right;
	case ">=": return left >= right;
	default: return left === right;
	}
}

function isLost(rung: Rung | null): boolean {
	return rung !== null && rung.lost;
}

function isAgain(rung: Rung | null): boolean {
	return rung !== null && rung.segment.again_of !== undefined;
}

function holds(view: View, at: number, word: string): boolean {
	const event = view.events[at]!, rung = view.rungOf[at] ?? null;
	const numbers = comparison.exec(word);

	if (numbers) {
		const value = numberOf(event, rung, numbers[1]!);
		return value !== null && compare(value, numbers[2]!, Number(numbers[3]));
	}
	if (word.startsWith("flags:")) {
		const wanted = word.slice(6).toUpperCase();
		return event.ev === "segment" && [...wanted].every((flag) => event.flags.toUpperCase().includes(flag));
	}
	switch (word) {
	case "lost": return isLost(rung);
	case "again": return isAgain(rung) || event.ev === "retransmit";
	case "trouble": return isLost(rung) || isAgain(rung) || event.ev === "retransmit";
	case view.names[0].toLowerCase(): case view.names[1].toLowerCase(): return event.host.toLowerCase() === word;
	case event.ev: case event.basis ?? "told": return true;
	}
	return searched(event).includes(word);
}

const text = new WeakMap<HappeningEvent, string>();

function searched(event: HappeningEvent): string {
	let found = text.get(event);

	if (found === undefined) {
		const { hdr: _, ...rest } = event as { hdr?: string } & HappeningEvent;
		found = Object.values(rest).map((value) => typeof value === "object" && value !== null ?
			Object.keys(value).join(" ") : String(value)).join(" ").toLowerCase();
		text.set(event, found);
	}
	return found;
}

export function makeFilter(view: View, query: string): Test | null {
	const asked = query.trim().toLowerCase().split(/\s+/).filter((word) => word !== "" && word !== "-");

	if (asked.length === 0)
		return null;
	return (at) => asked.every((word) =>
		word.startsWith("-") ? !holds(view, at, word.slice(1)) : holds(view, at, word));
}
