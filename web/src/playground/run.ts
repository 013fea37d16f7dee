/* One run: the module, its clock, and what is on its way. Everything that somebody does goes through act(), so that
 * the share is always the whole run. */

import { parseLines, type Event, type SegmentEvent } from "../model";
import type { Store } from "../store";
import type { Door, Status } from "./door";

/* A segment that has left and has not ended yet, as the stage draws it. */
export interface Flying {
	n: number;
	side: 0 | 1; /* of its sender */
	segment: SegmentEvent;
	left: number;
	arrives: number | null; /* null: it will not, or is held */
	fate: string | null;
	held: number | null; /* how far it had come, 0 to 1 */
	gone: number | null; /* when it was dropped, by hand or by the path */
}

const LOST = new Set(["lost", "dropped", "queue-full", "too-big"]);
const GHOST = 0.6; /* where what the path loses is seen to vanish, of its way */

export class Run {
	playing = false;
	speed = 40e6; /* nanoseconds of the run in a second */
	status: Status;
	flying = new Map<number, Flying>();
	private waiting: Event[] = []; /* not in the store yet */
	private lastFrame = 0;
	private lastFlush = 0;
	private listeners = new Set<() => void>();

	constructor(readonly door: Door, readonly store: Store) {
		this.status = door.status();
	}

	onChange(listener: () => void): void {
		this.listeners.add(listener);
	}

	private changed(): void {
		this.status = this.door.status();
		for (const listener of this.listeners)
			listener();
	}

	/* A new run; null, or what is wrong (the one that was goes on). */
	start(share: string): string | null {
		const wrong = this.door.start(share);

		if (wrong !== null)
			return wrong;
		this.flying.clear();
		this.waiting = [];
		this.store.reset(this.store.meta);
		this.hear(true);
		return null;
	}

	act(action: string): string | null {
		const refused = this.door.act(action);

		this.hear(true);
		return refused;
	}

	/* The next thing that happens, whenever that is. */
	step(): void {
		if (this.door.next >= 0)
			this.door.run(this.door.next);
		this.hear(true);
	}

	runTo(until: number): void {
		this.door.run(until);
		this.hear(true);
	}

	play(on: boolean): void {
		this.playing = on && this.status.problem === null;
		this.lastFrame = 0;
		this.changed();
	}

	/* A frame at `real` milliseconds. */
	frame(real: number): void {
		if (!this.playing)
			return;
		const passed = this.lastFrame === 0 ? 0 : Math.min(real - this.lastFrame, 100);
		const share = this.status;
		let until = Math.floor((this.door.now + passed * 1e-3 * this.speed) / 1000) * 1000;

		this.lastFrame = real;
		if (share.to !== null && this.door.now < share.to && until >= share.to) {
			until = share.to; /* where it was shared it stops, to be looked at */
			this.playing = false;
		}
		this.door.run(until);
		this.hear(false);
		if (this.status.problem !== null)
			this.play(false);
	}

	private hear(at_once: boolean): void {
		const text = this.door.lines();

		if (text !== "") {
			const { events } = parseLines(text);
			for (const event of events)
				this.take(event);
			this.waiting.push(...events);
		}
		this.forget();
		/* The page below is made anew with each addition: the more there is, the seldomer. */
		const pause = this.store.events.length < 3000 ? 120 : this.store.events.length / 20;
		if (this.waiting.length > 0 && (at_once || performance.now() - this.lastFlush > pause))
			this.flush();
		this.changed();
	}

	flush(): void {
		const events = this.waiting;

		this.waiting = [];
		this.lastFlush = performance.now();
		if (events.length > 0)
			this.store.append(events);
	}

	private take(event: Event): void {
		if (event.ev === "segment" && event.dir === "tx" && event.n !== null) {
			const lost = LOST.has(event.fate ?? "");
			this.flying.set(event.n, {
				n: event.n, side: event.host === "client" ? 0 : 1, segment: event, left: event.t,
				arrives: event.arrives ?? null, fate: event.fate ?? null, held: null,
				gone: lost ? event.t + this.delay(event.host === "client" ? 0 : 1) * GHOST : null,
			});
		} else if (event.ev === "fate") {
			const one = this.flying.get(event.n);
			if (!one)
				return;
			if (event.fate === "held") {
				one.held = this.progress(one, event.t);
			} else {
				one.held = event.fate === "dropped" ? this.progress(one, event.t) : null;
				one.gone = event.fate === "dropped" ? event.t : null;
			}
			one.fate = event.fate;
			if (event.fate !== "dropped" || one.arrives === null)
				one.arrives = event.arrives;
		}
	}

	delay(side: 0 | 1): number {
		return Math.max(this.status.ends[side].path.delay, 1e6);
	}

	/* How far it has come at t, 0 to 1. */
	progress(one: Flying, t: number): number {
		if (one.held !== null)
			return one.held;
		const takes = one.arrives === null ? this.delay(one.side) : Math.max(one.arrives - one.left, 1);
		const far = Math.min(Math.max((t - one.left) / takes, 0), 1);
		return one.gone === null ? far : Math.min(far, GHOST);
	}

	/* How long what is gone is still to be seen. */
	get fading(): number {
		return 0.6 * this.speed;
	}

	private forget(): void {
		const now = this.door.now;

		for (const [n, one] of this.flying) {
			if (one.gone !== null ? now > one.gone + this.fading : one.arrives !== null && now >= one.arrives)
				this.flying.delete(n);
		}
	}
}
