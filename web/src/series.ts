/* The points of the plots, out of the events of one end: its sequence numbers against the acknowledgements that it hears,
 * the window that it is offered, what it has in flight, and round trips. */

import type { SegmentEvent } from "./model";
import type { Side, View } from "./store";

export type Point = [number, number]; /* t, value */
export interface Mark {
	t: number;
	from: number;
	to: number;
	kind: "sent" | "again" | "lost" | "sack";
	at: number; /* event */
}

export interface Plotted {
	marks: Mark[];
	acks: Point[];
	edge: Point[];
	flight: Point[];
	rwnd: Point[];
	cwnd: Point[];
	ssthresh: Point[];
	rtt: Point[];
	srtt: Point[];
}

/* The side that sent the most text. */
export function busiest(view: View): Side {
	const sum: [number, number] = [0, 0];

	for (const rung of view.rungs)
		sum[rung.side] += rung.segment.len;
	return sum[1] > sum[0] ? 1 : 0;
}

class Points {
	readonly made: Plotted = { marks: [], acks: [], edge: [], flight: [], rwnd: [], cwnd: [], ssthresh: [], rtt: [], srtt: [] };
	private una = -1;
	private nxt = 0;
	private knowsUna = true; /* not after a gap, until it hears, and sends, again */
	private knowsNxt = true;
	private waiting: { end: number; t: number; again: boolean }[] = [];
	private smooth = 0;

	sent(event: SegmentEvent, at: number, lost: boolean): void {
		const again = event.again_of !== undefined;

		if (event.rseq === null)
			return;
		const end = event.rseq + event.len + (/[SF]/.test(event.flags) ? 1 : 0);
		if (event.len > 0) {
			this.made.marks.push({ t: event.t, from: event.rseq, to: event.rseq + event.len, kind: again ? "again" : "sent", at });
			if (lost)
				this.made.marks.push({ t: event.t, from: event.rseq, to: event.rseq + event.len, kind: "lost", at });
		}
		if (end > event.rseq) {
			if (again)
				for (const one of this.waiting)
					one.again ||= one.end > event.rseq; /* Karn: nothing is measured by them */
			else
				this.waiting.push({ end, t: event.t, again: false });
		}
		this.nxt = Math.max(this.nxt, end);
		this.knowsNxt ||= !again;
		this.flies(event.t);
	}

	/* What is in flight, where both of its ends are known: segments that are not in the page would make it up. */
	private flies(t: number): void {
		if (this.knowsUna && this.knowsNxt)
			this.made.flight.push([t, Math.max(0, this.nxt - Math.max(0, this.una))]);
	}

	/* Segments are not in the page: which ACK answered what was sent before is not known any more. */
	gap(): void {
		this.waiting = [];
		this.knowsUna = false;
		this.knowsNxt = false;
	}

	heard(event: SegmentEvent): void {
		if (event.rack === null || event.verdict === "bad-checksum")
			return;
		if (event.rack > this.una) {
			this.measure(event);
			this.una = event.rack;
			this.made.acks.push([event.t, event.rack]);
			this.knowsUna = true;
			this.flies(event.t);
		}
		this.made.edge.push([event.t, event.rack + event.wnd]);
		this.made.rwnd.push([event.t, event.wnd]);
		for (const [left, right] of event.opts.sack ?? []) {
			const base = event.ack - event.rack;
			this.made.marks.push({ t: event.t, from: (left - base) >>> 0, to: (right - base) >>> 0, kind: "sack", at: -1 });
		}
	}

	private measure(event: SegmentEvent): void {
		let newest = -1;

		this.waiting = this.waiting.filter((one) => {
			if (one.end > event.rack!)
				return true;
			newest = one.again ? newest : Math.max(newest, one.t);
			return false;
		});
		if (newest < 0)
			return;
		const sample = event.t - newest;
		this.smooth = this.smooth === 0 ? sample : this.smooth * 7 / 8 + sample / 8; /* RFC 6298 2.3 */
		this.made.rtt.push([event.t, sample]);
		this.made.srtt.push([event.t, this.smooth]);
	}
}

export function plotted(view: View, side: Side): Plotted {
	const points = new Points(), given = view.series[side];

	view.events.forEach((event, at) => {
		if (event.ev === "segment" && event.dir === "tx" && view.sides[at] === side)
			points.sent(event, at, view.rungOf[at]?.lost ?? false);
		else if (event.ev === "segment" && event.dir === "rx" && view.sides[at] === side)
			points.heard(event);
		else if (event.ev === "folded")
			points.gap();
		else if (event.ev === "congestion" && view.sides[at] === side && !given["cwnd"]) {
			points.made.cwnd.push([event.t, event.cwnd]);
			if (event.ssthresh < 0x7fffffff)
				points.made.ssthresh.push([event.t, event.ssthresh]);
		}
	});
	if (given["cwnd"])
		points.made.cwnd = given["cwnd"];
	if (given["ssthresh"])
		points.made.ssthresh = given["ssthresh"];
	if (given["srtt"])
		points.made.srtt = given["srtt"].map(([t, s]) => [t, s * 1e9]);
	return points.made;
}
