/* What the cursor is on, in words and, where it is a segment, as the bytes of its header. */

import { el, seconds, span } from "./format";
import { readHeader, type Field, type Header } from "./header";
import { describe } from "./ladder";
import type { SegmentEvent } from "./model";
import type { Rung, View } from "./store";
import { t } from "./words";

/* The shift that the sender's SYN announced, where both SYNs did. */
function shiftOf(view: View, rung: Rung): number {
	const shifts: (number | null)[] = [null, null];

	for (const other of view.rungs)
		if (other.segment.flags.includes("S") && other.segment.conn === rung.segment.conn)
			shifts[other.side] = other.segment.opts.wscale ?? null;
	return shifts[0] !== null && shifts[1] !== null ? shifts[rung.side]! : 0;
}

function portsOf(view: View, rung: Rung): [number | null, number | null] {
	const port = (end: string | undefined): number | null => {
		const found = end === undefined ? null : /:(\d+)$/.exec(end);
		return found ? Number(found[1]) : null;
	};
	const ends = view.about?.ends;

	return [port(ends?.[rung.side]), port(ends?.[rung.side === 0 ? 1 : 0])];
}

export class Inspector {
	readonly element = el("section", { class: "panel inspector" });
	private readonly body = el("div", {});

	constructor() {
		this.element.append(el("h2", {}, t("bytes")), this.body);
	}

	show(view: View, at: number): void {
		const event = view.events[at], rung = view.rungOf[at] ?? null;
		const parts: Node[] = [];

		if (!event) {
			this.body.replaceChildren(el("p", {}, t("noSegment")));
			return;
		}
		parts.push(el("p", { class: "at" }, el("b", { class: `side${view.sides[at]!}` }, event.host), ` ${seconds(event.t)} s · ${describe(event, rung)}`));
		if (rung && rung.sent >= 0 && rung.arrived.length > 0 && !view.isCapture)
			parts.push(el("p", { class: "way" }, `→ ${span(view.events[rung.arrived[0]!]!.t - view.events[rung.sent]!.t)}`));
		if (event.say)
			parts.push(el("p", { class: "say" }, event.say));
		if (event.ev === "state" && event.why !== "" && !event.say)
			parts.push(el("p", { class: "say" }, event.why));
		if (rung)
			parts.push(...this.header(view, rung, rung.segment));
		this.body.replaceChildren(...parts);
	}

	private header(view: View, rung: Rung, segment: SegmentEvent): Node[] {
		const header = readHeader(segment, shiftOf(view, rung), portsOf(view, rung));
		const dump = this.dump(header), table = this.table(header.fields, dump);

		return [dump, table, el("p", { class: "how" },
			`${header.isBuilt ? t("built") : t("wire")} + ${segment.len} B ${t("text")}`)];
	}

	private dump(header: Header): HTMLElement {
		const dump = el("div", { class: "dump", role: "img", "aria-label": header.bytes.map((byte) =>
			byte === null ? "--" : byte.toString(16).padStart(2, "0")).join(" ") });
		const kind = (i: number): string => {
			const all = header.fields.filter((field) => i >= field.from && i < field.from + field.n);
			const field = all.find((it) => it.depth === 1) ?? all[0];
			return `f${field ? header.fields.indexOf(field) % 6 : 0}`;
		};

		header.bytes.forEach((byte, i) => {
			dump.append(el("span", { class: kind(i), "data-i": String(i) },
				byte === null ? "··" : byte.toString(16).padStart(2, "0")));
		});
		return dump;
	}

	private table(fields: Field[], dump: HTMLElement): HTMLElement {
		const body = el("tbody", {});

		for (const field of fields) {
			const row = el("tr", { class: `depth${field.depth}`, tabindex: "0" }, el("th", { scope: "row" }, field.name),
				el("td", {}, field.value), el("td", {}, field.meaning));
			const light = (on: boolean): void => {
				for (const cell of dump.children) {
					const i = Number((cell as HTMLElement).dataset.i);
					cell.classList.toggle("lit", on && i >= field.from && i < field.from + field.n);
				}
			};
			for (const name of ["pointerenter", "focus"])
				row.addEventListener(name, () => light(true));
			for (const name of ["pointerleave", "blur"])
				row.addEventListener(name, () => light(false));
			body.append(row);
		}
		return el("table", {}, el("thead", { class: "hidden" }, el("tr", {}, el("th", {}, t("field")), el("th", {}, t("value")), el("th", {}, t("meaning")))), body);
	}
}
