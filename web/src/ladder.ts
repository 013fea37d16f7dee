/* The ladder: two lifelines, time flowing down, an arrow for each segment from the row of its sending to the row of its
 * arrival. Only the rows in sight are elements (a connection may have a hundred thousand); arrows are one picture under
 * them. What is inferred is drawn broken, what is lost ends in a cross. */

import type { Cursor } from "./cursor";
import { el, grouped, octets, seconds, span, svg } from "./format";
import type { HappeningEvent, SegmentEvent } from "./model";
import { isWithSending, makeRows, type Row, type RowOptions } from "./rows";
import type { Rung, Store, View } from "./store";
import { t } from "./words";

const HEIGHT = 26, SPARE = 12, PAPER = 400; /* pixels; rows beyond what is in sight; rows on paper */

export class Ladder {
	readonly element = el("div", { class: "ladder", tabindex: "0", role: "listbox", "aria-label": t("ladder") });
	private readonly space = el("div", { class: "ladder-space", role: "presentation" });
	private readonly picture = svg("svg", { class: "ladder-picture", "aria-hidden": "true" });
	private readonly list = el("div", { class: "ladder-rows", role: "presentation" });
	private readonly head = el("div", { class: "ladder-head", role: "presentation" });
	private rows: Row[] = [];
	private rowOf = new Map<number, number>(); /* event to row */
	private furthest: number[] = []; /* of the arrows that begin at or above a row: the lowest row that they reach */
	private view!: View;
	private width = 0;
	private printing = false;
	private frame = 0;

	constructor(readonly store: Store, readonly cursor: Cursor, readonly options: RowOptions) {
		this.space.append(this.picture, this.list);
		this.element.append(this.head, this.space);
		this.element.addEventListener("scroll", () => this.later());
		new ResizeObserver(() => this.later()).observe(this.element);
		this.list.addEventListener("click", (event) => this.clicked(event));
		this.list.addEventListener("keydown", (event) => this.pressed(event));
		cursor.onMove(() => this.follow());
	}

	show(view: View): void {
		this.view = view;
		this.rows = makeRows(view, this.options);
		this.rowOf.clear();
		this.rows.forEach((row, i) => {
			if (row.kind === "event")
				this.rowOf.set(row.at, i);
			else if (row.kind === "fold")
				for (let at = row.from; at <= row.to; at++)
					this.rowOf.set(at, i);
		});
		for (let at = 0; at < view.events.length; at++) {
			const rung = view.rungOf[at];
			const row = rung && !this.rowOf.has(at) && isWithSending(view, at) ? this.rowOf.get(rung.sent) : undefined;
			if (row !== undefined)
				this.rowOf.set(at, row);
		}
		this.furthest = this.reach();
		this.space.style.height = `${this.rows.length * HEIGHT + 8}px`;
		this.head.replaceChildren(el("span", { class: "side0" }, view.names[0]), el("span", { class: "side1" }, view.names[1]));
		this.draw();
	}

	get shown(): number {
		return this.rows.length;
	}

	/* The rows' events in order, for stepping: what is filtered away is stepped over. */
	step(from: number, by: 1 | -1, wanted: (at: number) => boolean): number {
		const row = this.rowNear(from, by);

		for (let i = row; i >= 0 && i < this.rows.length; i += by) {
			const it = this.rows[i]!;
			if (it.kind === "event" && (by > 0 ? it.at > from : it.at < from) && wanted(it.at))
				return it.at;
		}
		return from;
	}

	firstEvent(): number {
		const row = this.rows.find((it) => it.kind === "event");
		return row ? row.at : 0;
	}

	lastEvent(): number {
		for (let i = this.rows.length - 1; i >= 0; i--)
			if (this.rows[i]!.kind === "event")
				return this.rows[i]!.at;
		return 0;
	}

	openFold(at: number): void {
		this.options.opened.add(at);
		this.show(this.view);
		this.follow();
	}

	print(on: boolean): void {
		this.printing = on;
		this.draw();
	}

	private rowNear(at: number, by: 1 | -1): number {
		const exact = this.rowOf.get(at);

		if (exact !== undefined)
			return exact;
		let low = 0, high = this.rows.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			const row = this.rows[middle]!;
			if ((row.kind === "fold" ? row.from : row.at) < at)
				low = middle + 1;
			else
				high = middle;
		}
		return by > 0 ? low : Math.min(low, this.rows.length - 1);
	}

	private endRow(rung: Rung): number {
		const begin = this.rowOf.get(rung.sent) ?? -1;
		let end = begin;

		for (const at of rung.arrived)
			end = Math.max(end, this.rowOf.get(at) ?? begin);
		return end;
	}

	private reach(): number[] {
		const furthest: number[] = new Array(this.rows.length).fill(0);
		let most = 0;

		this.rows.forEach((row, i) => {
			const rung = row.kind === "event" ? this.view.rungOf[row.at] : null;
			most = Math.max(most, i, rung && rung.sent === (row as { at: number }).at ? this.endRow(rung) : 0);
			furthest[i] = most;
		});
		return furthest;
	}

	private later(): void {
		cancelAnimationFrame(this.frame);
		this.frame = requestAnimationFrame(() => this.draw());
	}

	private follow(): void {
		const row = this.rowOf.get(this.cursor.at);

		if (row !== undefined) {
			const top = row * HEIGHT, { scrollTop, clientHeight } = this.element;
			if (top < scrollTop + HEIGHT)
				this.element.scrollTop = Math.max(0, top - clientHeight / 3);
			else if (top > scrollTop + clientHeight - 3 * HEIGHT)
				this.element.scrollTop = top - clientHeight * 2 / 3;
		}
		this.draw();
	}

	private clicked(event: MouseEvent): void {
		const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".row") : null;

		if (!row)
			return;
		const at = Number(row.dataset.at);
		if (row.classList.contains("fold")) {
			this.openFold(at);
			return;
		}
		this.cursor.set(at, this);
		const rung = this.view.rungOf[at];
		if (rung)
			this.element.dispatchEvent(new CustomEvent("tern:segment", { bubbles: true,
				detail: { n: rung.n, conn: rung.segment.conn, dir: rung.segment.dir, host: this.view.names[rung.side] } }));
	}

	private pressed(event: KeyboardEvent): void {
		const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".row.fold") : null;

		if (row && event.key === "Enter") {
			this.openFold(Number(row.dataset.at));
			event.stopPropagation();
		}
	}

	/* ---- drawing ---- */

	private draw(): void {
		if (!this.view)
			return;
		const height = this.printing ? PAPER * HEIGHT : this.element.clientHeight;
		const top = this.printing ? 0 : this.element.scrollTop;
		const first = Math.max(0, Math.floor(top / HEIGHT) - SPARE);
		const last = Math.min(this.rows.length - 1, Math.ceil((top + height) / HEIGHT) + SPARE);
		const margin = this.element.clientWidth < 560 ? 74 : 168;

		this.width = this.element.clientWidth;
		this.element.style.setProperty("--margin", `${margin}px`);
		const made: Node[] = [];
		for (let i = first; i <= last; i++)
			made.push(this.row(this.rows[i]!, i));
		if (this.rows.length === 0)
			made.push(el("p", { class: "none" }, this.store.events.length ? t("nothing") : t("empty")));
		this.list.replaceChildren(...made);
		this.drawArrows(first, last, margin);
		if (this.printing)
			this.space.style.height = `${(last + 1) * HEIGHT}px`;
		else
			this.space.style.height = `${this.rows.length * HEIGHT + 8}px`;
	}

	private drawArrows(first: number, last: number, margin: number): void {
		const left = margin, right = this.width - margin - 2, all = this.rows.length * HEIGHT + 8;
		const made: Node[] = [
			svg("line", { class: "life", x1: left, x2: left, y1: 0, y2: all }),
			svg("line", { class: "life", x1: right, x2: right, y1: 0, y2: all }),
		];
		let from = first;

		while (from > 0 && this.furthest[from - 1]! >= first)
			from--;
		for (let i = from; i <= last; i++) {
			const row = this.rows[i]!;
			const rung = row.kind === "event" ? this.view.rungOf[row.at] : null;
			if (rung && row.kind === "event" && (rung.sent === row.at || (rung.sent < 0 && rung.arrived[0] === row.at)))
				this.arrow(made, rung, i, left, right);
		}
		this.picture.setAttribute("width", String(this.width));
		this.picture.setAttribute("height", String(all));
		this.picture.replaceChildren(...made);
	}

	private arrow(made: Node[], rung: Rung, row: number, left: number, right: number): void {
		const x1 = rung.side === 0 ? left : right, x2 = rung.side === 0 ? right : left;
		const y1 = (row + 0.5) * HEIGHT;
		const classes = ["arrow", `side${rung.side}`];
		const chosen = this.view.rungOf[this.cursor.at] === rung;

		if (rung.lost)
			classes.push("is-lost");
		if (rung.segment.again_of !== undefined || rung.why !== null)
			classes.push("is-again");
		if (chosen)
			classes.push("is-chosen");
		if (rung.lost || rung.held || rung.arrived.length === 0) {
			const part = rung.lost ? 0.72 : rung.held ? 0.5 : 0.92;
			const x = x1 + (x2 - x1) * part, y = y1 + HEIGHT * 0.35;
			made.push(svg("line", { class: classes.join(" "), x1, y1, x2: x, y2: y }));
			if (rung.lost)
				made.push(svg("path", { class: `cross ${chosen ? "is-chosen" : ""}`, d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10` }));
			else if (rung.held)
				made.push(svg("circle", { class: "hold", cx: x, cy: y, r: 5 }));
			else /* nobody told of its arrival */
				made.push(svg("path", { class: `head side${rung.side} is-inferred${chosen ? " is-chosen" : ""}`, d: "M0 0L-9 -4.5L-9 4.5Z",
					transform: `translate(${x} ${y}) rotate(${Math.atan2(y - y1, x - x1) * 180 / Math.PI})` }));
			return;
		}
		for (const at of rung.arrived) {
			const inferred = this.view.events[at]!.basis === "inferred" || isWithSending(this.view, at);
			const end = this.rowOf.get(at);
			const y2 = isWithSending(this.view, at) || end === undefined ? y1 + HEIGHT * 0.3 : (end + 0.5) * HEIGHT;
			const sign = x2 > x1 ? -1 : 1, angle = Math.atan2(y2 - y1, x2 - x1);
			const head = svg("path", { class: `head side${rung.side}${inferred ? " is-inferred" : ""}${chosen ? " is-chosen" : ""}`,
				d: "M0 0L-9 -4.5L-9 4.5Z", transform: `translate(${x2 + sign} ${y2}) rotate(${angle * 180 / Math.PI})` });
			made.push(svg("line", { class: `${classes.join(" ")}${inferred ? " is-inferred" : ""}`, x1, y1, x2: x2 + sign * 6, y2 }), head);
		}
	}

	private row(row: Row, i: number): HTMLElement {
		const element = el("div", { class: "row", role: "option", "data-at": String(row.at), id: `row${i}` });

		element.style.top = `${i * HEIGHT}px`;
		if (row.kind === "gap") {
			element.className = "row gap";
			element.append(el("span", { class: "words" }, `⋯ ${t("silence")} ${span(row.ns)} ⋯`));
			return element;
		}
		if (row.kind === "fold") {
			element.className = "row fold";
			element.tabIndex = 0;
			element.append(el("span", { class: "words" },
				`⋯ ${row.segments} ${t("segments")}, ${octets(row.octets)} B, ${span(row.ns)}${
					row.absent > 0 ? `, ${grouped(row.absent)} ${t("ofThem")} ${t("thinned")}` : ""} ${t("folded")}`));
			return element;
		}
		const event = this.view.events[row.at]!, rung = this.view.rungOf[row.at] ?? null;
		const chosen = row.at === this.cursor.at, related = !chosen && rung !== null && rung === this.view.rungOf[this.cursor.at];
		element.className = `row ev-${event.ev} side${this.view.sides[row.at]!}${chosen ? " is-chosen" : ""}${related ? " is-related" : ""}`;
		element.setAttribute("aria-selected", String(chosen));
		element.setAttribute("aria-label", `${seconds(event.t)} s, ${event.host}: ${describe(event, rung)}`);
		if (chosen)
			this.element.setAttribute("aria-activedescendant", element.id);
		element.append(el("span", { class: "time" }, seconds(event.t)));
		this.fill(element, event, rung);
		return element;
	}

	private fill(element: HTMLElement, event: HappeningEvent, rung: Rung | null): void {
		if (event.ev === "segment" && event.dir === "tx")
			element.append(segmentLabel(event, rung!));
		else if (event.ev === "segment" && rung !== null && rung.sent < 0 && rung.arrived[0] === Number(element.dataset["at"]))
			element.append(strangerLabel(event, rung));
		else if (event.ev === "segment")
			element.append(arrivalLabel(event));
		else if (event.ev === "state")
			element.append(stateChip(event.to, event.basis ?? "told"));
		else
			element.append(el("span", { class: "words" }, describe(event, rung)));
	}
}

const flagNames: Record<string, string> = { S: "SYN", F: "FIN", R: "RST", P: "PSH", A: "ACK", U: "URG", E: "ECE", C: "CWR", e: "AE" };

export function flagsText(flags: string): string {
	return [...flags].map((flag) => flagNames[flag] ?? flag).join(" ");
}

/* What there is to say of a segment, short: "SYN 0", "ACK 1 · 1:1461 (1460)". */
export function segmentText(event: SegmentEvent): string {
	const seq = event.rseq ?? event.seq, ack = event.rack ?? event.ack;
	const parts = [flagsText(event.flags.replace(/[PA]/g, ""))].filter((part) => part !== "");

	if (event.len > 0)
		parts.push(`${seq}:${seq + event.len} (${event.len})`);
	else if (/[SFR]/.test(event.flags))
		parts.push(String(seq));
	if (event.flags.includes("A"))
		parts.push(`ACK ${ack}`);
	if (event.opts.sack)
		parts.push(`SACK ×${event.opts.sack.length}`);
	return parts.join(" · ");
}

function segmentLabel(event: SegmentEvent, rung: Rung): HTMLElement {
	const label = el("span", { class: "label" }, el("b", {}, `${rung.n} `));

	if (rung.lost || rung.held)
		label.append(el("em", { class: "lost" }, rung.held ? t("held") : rung.fate ?? t("lost")));
	else if (rung.fate !== null && rung.fate !== "delivered")
		label.append(el("em", { class: "fate" }, rung.fate));
	if (event.again_of !== undefined || rung.why !== null)
		label.append(el("em", { class: "again" }, rung.why ?? t("again")));
	if (event.probe)
		label.append(el("em", { class: "again" }, event.role ?? "probe"));
	label.append(segmentText(event), el("span", { class: "wnd" }, ` win ${event.wnd}`));
	return label;
}

/* Nobody told of its sending: what is known of it stands where it came from. */
function strangerLabel(event: SegmentEvent, rung: Rung): HTMLElement {
	const label = segmentLabel(event, rung);

	label.classList.add(`from${rung.side}`);
	if (event.verdict !== undefined && event.verdict !== "accepted")
		label.append(el("em", { class: "fate" }, event.verdict));
	return label;
}

function arrivalLabel(event: SegmentEvent): HTMLElement {
	if (event.verdict === "accepted" || event.verdict === undefined)
		return el("span", { class: "arrival plain" });
	return el("span", { class: "arrival" }, event.verdict);
}

/* Proved, (inferred) and [unseen], as tern trace has them. */
export function stateText(state: string, basis: string): string {
	return basis === "inferred" ? `(${state})` : basis === "unseen" ? `[${state}]` : state;
}

function stateChip(state: string, basis: string): HTMLElement {
	return el("span", { class: `chip basis-${basis}`, title: basis }, stateText(state, basis));
}

export function describe(event: HappeningEvent, rung: Rung | null): string {
	switch (event.ev) {
	case "segment": {
		const fate = event.dir === "tx" ? (rung?.lost ? `, ${rung.fate}` : "") : `, ${event.verdict ?? ""}`;
		const again = rung?.why || event.again_of !== undefined ? `, ${t("again")} (${rung?.why ?? "?"})` : "";
		return `${event.dir === "tx" ? "→" : "←"} ${rung && rung.n ? `${rung.n} ` : ""}${segmentText(event)}${fate}${again}`;
	}
	case "state": return `${event.from} → ${stateText(event.to, event.basis ?? "told")} (${event.reason})`;
	case "timer": return `${event.timer} ${event.action}${event.count > 1 ? ` ×${event.count}` : ""}`;
	case "retransmit": return `${t("again")}: ${event.why}`;
	case "congestion": return `${event.event}: cwnd ${event.cwnd}${event.ssthresh < 0x7fffffff ? `, ssthresh ${event.ssthresh}` : ""}`;
	case "note": return event.value ? `${event.note} ${event.value}` : event.note;
	case "drop": return `✗ ${event.verdict}`;
	case "icmp": return `ICMP ${event.type}/${event.code}${event.mtu ? `, MTU ${event.mtu}` : ""}`;
	case "call": return event.call;
	case "status": return `${t("nowIs")} ${event.state}: ${event.say ?? event.waits}`;
	case "folded": return `⋯ ${grouped(event.segments)} ${t("segments")}, ${octets(event.octets)} B, ${span(event.until - event.t)}${
		event.again > 0 ? `, ${grouped(event.again)} ${t("again")}` : ""}${event.lost > 0 ? `, ${grouped(event.lost)} ${t("lost")}` : ""}: ${
		t("thinned")} ⋯`;
	}
}
