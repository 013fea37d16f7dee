/* The wire: what is on its way between the two hosts, moving. Each segment is a button. */

import { el } from "../format";
import type { Flying, Run } from "./run";
import { w } from "./words";

const MOST = 48; /* that are drawn; of a longer flight the last ones */
const QUEUE = [0, 1, 2, 3, 4, 5, 6, 7, -1, -2, -3, -4, -5, -6, -7]; /* places behind, before its own */
const LANE = 26; /* pixels: the tallest pill and its border */

/* A segment on the wire: its button, how wide it is with its name and without, and the lane that it keeps to. */
interface Pill {
	button: HTMLButtonElement;
	wide: number;
	small: number;
	lane: number;
	behind: number; /* places behind where it is, since others are there */
}

/* Where the lanes of one direction are taken already, in pixels. */
type Taken = [number, number][][];

function isFree(lane: [number, number][], left: number, right: number): boolean {
	return lane.every(([from, to]) => right < from || left > to);
}

export function nameOf(one: Flying): string {
	const { flags, len, rseq } = one.segment;
	const names = [flags.includes("S") ? "SYN" : "", flags.includes("F") ? "FIN" : "", flags.includes("R") ? "RST" : "",
		flags.includes("A") && len === 0 ? "ACK" : ""].filter((name) => name !== "");

	if (len > 0)
		names.push(rseq === null ? `+${len}` : `${rseq}:${(rseq + len) >>> 0}`);
	return names.join("+") || "–";
}

export class Stage {
	readonly root: HTMLElement;
	private readonly wire = el("div", { class: "pg-wire", role: "group" });
	private readonly note = el("p", { class: "pg-wire-note" });
	private readonly chosenText = el("span", { class: "pg-chosen-text" });
	private readonly dropButton = el("button", { type: "button", class: "pg-danger" });
	private readonly holdButton = el("button", { type: "button" });
	private readonly pills = new Map<number, Pill>();
	private chosen: number | null = null;

	constructor(private readonly run: Run, private readonly act: (action: string) => void) {
		this.root = el("section", { class: "pg-stage" }, this.wire, this.note,
			el("div", { class: "pg-chosen" }, this.chosenText, this.dropButton, this.holdButton));
		this.wire.setAttribute("aria-label", w("wire"));
		this.dropButton.textContent = w("drop");
		this.dropButton.addEventListener("click", () => this.on("drop"));
		this.holdButton.addEventListener("click", () => this.on("hold"));
		this.wire.addEventListener("keydown", (event) => this.key(event));
		this.draw();
	}

	choose(n: number | null): void {
		this.chosen = n;
		this.draw();
	}

	private key(event: KeyboardEvent): void {
		if (event.key === "Delete" || event.key === "Backspace" || event.key === "d")
			this.on("drop");
		else if (event.key === "h")
			this.on("hold");
		else
			return;
		event.preventDefault();
		event.stopPropagation(); /* the page has keys of its own */
	}

	private on(verb: "drop" | "hold"): void {
		const one = this.chosen === null ? undefined : this.run.flying.get(this.chosen);

		if (!one || one.gone !== null)
			return;
		this.act(verb === "hold" && one.fate === "held" ? `w.release.${one.n}` : `w.${verb}.${one.n}`);
	}

	private pill(one: Flying): Pill {
		const number = el("b", {}, String(one.n)), pill = el("button", { type: "button", class: "pg-pill" });

		pill.dataset["n"] = String(one.n);
		pill.append(number, el("span", { class: "pg-name" }, ` ${nameOf(one)}`));
		pill.classList.toggle("pg-text", one.segment.len > 0);
		pill.classList.toggle("pg-syn", one.segment.flags.includes("S"));
		pill.classList.toggle("pg-fin", one.segment.flags.includes("F"));
		pill.classList.toggle("pg-rst", one.segment.flags.includes("R"));
		pill.classList.toggle("pg-again", (one.segment.again_of ?? null) !== null);
		/* pointerdown, since what moves may have left before the finger has */
		pill.addEventListener("pointerdown", () => this.choose(one.n));
		pill.addEventListener("focus", () => this.choose(one.n));
		pill.addEventListener("click", () => this.choose(one.n));
		this.wire.append(pill);
		const made = { button: pill, wide: pill.offsetWidth, small: number.offsetWidth + 18, lane: one.n, behind: 0 };
		this.pills.set(one.n, made);
		return made;
	}

	draw(): void {
		const all = [...this.run.flying.values()];
		const shown = all.slice(-MOST), now = this.run.door.now;
		const lanes = Math.max(1, Math.floor((this.wire.clientHeight - 8) / (2 * LANE)));
		const taken: [Taken, Taken] = [Array.from({ length: lanes }, () => []), Array.from({ length: lanes }, () => [])];
		const kept = new Set<number>();
		let crowded = all.length - shown.length;

		/* who is chosen or held finds room first */
		shown.sort((a, b) => Number(this.isOfInterest(b)) - Number(this.isOfInterest(a)) || a.n - b.n);
		for (const one of shown) {
			const made = this.pills.get(one.n) ?? this.pill(one), pill = made.button;
			kept.add(one.n);
			crowded += this.place(one, made, taken[one.side], this.run.progress(one, now)) ? 0 : 1;
			pill.classList.toggle("pg-gone", one.gone !== null && now >= one.gone);
			pill.classList.toggle("pg-held", one.fate === "held");
			pill.classList.toggle("pg-is-chosen", one.n === this.chosen);
			pill.setAttribute("aria-label", this.describe(one));
		}
		for (const [n, pill] of this.pills) {
			if (kept.has(n))
				continue;
			pill.button.remove();
			this.pills.delete(n);
		}
		const note = all.length === 0 ? w("empty") : crowded > 0 ? `+${crowded} ${w("more")}` : "";
		if (this.note.textContent !== note)
			this.note.textContent = note;
		this.drawChosen();
	}

	private isOfInterest(one: Flying): boolean {
		return one.n === this.chosen || one.fate === "held";
	}

	/* Where it is; where others are, without its name and queued with them. False: there is no room. */
	private place(one: Flying, made: Pill, taken: Taken, far: number): boolean {
		if (this.fit(one, made, taken, far, false, 0))
			return true;
		for (const behind of [made.behind, ...QUEUE])
			if (this.fit(one, made, taken, far, true, behind))
				return true;
		made.button.hidden = true;
		return false;
	}

	private fit(one: Flying, made: Pill, taken: Taken, far: number, isSmall: boolean, behind: number): boolean {
		const room = this.wire.clientWidth, rows = this.wire.clientHeight / 2, lanes = taken.length;
		const wide = isSmall ? made.small : made.wide, x = one.side === 0 ? far : 1 - far;
		const left = x * (room - wide) + (one.side === 0 ? -behind : behind) * (wide + 5);

		if (behind !== 0 && (left < 0 || left + wide > room))
			return false;
		for (let i = 0; i < lanes; i++) {
			const lane = (made.lane + i) % lanes, y = (one.side === 0 ? 0 : rows) + 2 + lane * (rows - 4) / lanes;
			if (!isFree(taken[lane]!, left - 2, left + wide + 2))
				continue;
			taken[lane]!.push([left, left + wide]);
			made.lane = lane;
			made.behind = behind;
			made.button.classList.toggle("pg-small", isSmall);
			made.button.hidden = false;
			made.button.style.transform = `translate(${left.toFixed(1)}px, ${y.toFixed(1)}px)`;
			return true;
		}
		return false;
	}

	private describe(one: Flying): string {
		const from = one.side === 0 ? w("client") : w("server"), to = one.side === 0 ? w("server") : w("client");

		return `${one.n}: ${nameOf(one)}, ${from} → ${to}`;
	}

	private drawChosen(): void {
		const one = this.chosen === null ? undefined : this.run.flying.get(this.chosen);
		const can = one !== undefined && one.gone === null;
		const text = this.chosen === null ? w("choose") :
			one ? this.describe(one) : `${w("chosen")} ${this.chosen}: ${w("gone")}`;

		if (this.chosenText.textContent !== text)
			this.chosenText.textContent = text;
		this.dropButton.disabled = !can;
		this.holdButton.disabled = !can;
		const word = one?.fate === "held" ? w("release") : w("hold");
		if (this.holdButton.textContent !== word)
			this.holdButton.textContent = word;
	}
}
