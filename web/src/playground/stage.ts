/* The wire: what is on its way between the two hosts, moving. Each segment is a button. */

import { el } from "../format";
import type { Flying, Run } from "./run";
import { w } from "./words";

const MOST = 48; /* that are drawn; of a longer flight the last ones */
const LANES = 7;

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
	private readonly pills = new Map<number, HTMLButtonElement>();
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

	private pill(one: Flying): HTMLButtonElement {
		const pill = el("button", { type: "button", class: "pg-pill" });

		pill.dataset["n"] = String(one.n);
		pill.append(el("b", {}, String(one.n)), ` ${nameOf(one)}`);
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
		this.pills.set(one.n, pill);
		return pill;
	}

	draw(): void {
		const all = [...this.run.flying.values()];
		const shown = all.slice(-MOST), now = this.run.door.now;
		const width = this.wire.clientWidth, laneHeight = (this.wire.clientHeight - 12) / (2 * LANES);
		const kept = new Set<number>();

		for (const one of shown) {
			const pill = this.pills.get(one.n) ?? this.pill(one);
			const far = this.run.progress(one, now), x = one.side === 0 ? far : 1 - far;
			const lane = one.n % LANES, y = (one.side === 0 ? lane : lane + LANES) * laneHeight + 6;
			kept.add(one.n);
			pill.style.transform = `translate(${(x * width).toFixed(1)}px, ${y.toFixed(1)}px) translateX(-${(x * 100).toFixed(1)}%)`;
			pill.classList.toggle("pg-gone", one.gone !== null && now >= one.gone);
			pill.classList.toggle("pg-held", one.fate === "held");
			pill.classList.toggle("pg-is-chosen", one.n === this.chosen);
			pill.setAttribute("aria-label", this.describe(one));
		}
		for (const [n, pill] of this.pills) {
			if (kept.has(n))
				continue;
			pill.remove();
			this.pills.delete(n);
		}
		const note = all.length === 0 ? w("empty") : all.length > MOST ? `+${all.length - MOST} ${w("more")}` : "";
		if (this.note.textContent !== note)
			this.note.textContent = note;
		this.drawChosen();
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
