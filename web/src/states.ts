/* The eleven states (RFC 9293 3.3.2, figure 5) with a token for each end, as they are at the cursor. */

import { el, span, svg } from "./format";
import { stateText } from "./ladder";
import { stateAt, type View } from "./store";
import { t } from "./words";

const places: Record<string, [number, number]> = {
	"CLOSED": [210, 24], "LISTEN": [82, 76], "SYN-SENT": [338, 76], "SYN-RECEIVED": [82, 132], "ESTABLISHED": [338, 132],
	"FIN-WAIT-1": [82, 196], "CLOSE-WAIT": [338, 196], "FIN-WAIT-2": [82, 252], "CLOSING": [210, 226],
	"LAST-ACK": [338, 252], "TIME-WAIT": [210, 296],
};

const edges: [string, string][] = [
	["CLOSED", "LISTEN"], ["CLOSED", "SYN-SENT"], ["LISTEN", "SYN-RECEIVED"], ["LISTEN", "SYN-SENT"],
	["SYN-SENT", "SYN-RECEIVED"], ["SYN-SENT", "ESTABLISHED"], ["SYN-RECEIVED", "ESTABLISHED"],
	["SYN-RECEIVED", "FIN-WAIT-1"], ["ESTABLISHED", "FIN-WAIT-1"], ["ESTABLISHED", "CLOSE-WAIT"],
	["FIN-WAIT-1", "FIN-WAIT-2"], ["FIN-WAIT-1", "CLOSING"], ["FIN-WAIT-1", "TIME-WAIT"], ["FIN-WAIT-2", "TIME-WAIT"],
	["CLOSING", "TIME-WAIT"], ["CLOSE-WAIT", "LAST-ACK"],
];

const W = 104, H = 26;

/* From border to border of two boxes. */
function line(from: [number, number], to: [number, number]): [number, number, number, number] {
	const dx = to[0] - from[0], dy = to[1] - from[1];
	const scale = Math.min(Math.abs(dx) > 0 ? (W / 2) / Math.abs(dx) : Infinity, Math.abs(dy) > 0 ? (H / 2) / Math.abs(dy) : Infinity);

	return [from[0] + dx * scale, from[1] + dy * scale, to[0] - dx * scale, to[1] - dy * scale];
}

export class States {
	readonly element = el("section", { class: "panel states" });
	private readonly words = el("div", { class: "states-words", "aria-live": "polite" });
	private readonly picture = svg("svg", { viewBox: "0 0 420 322", role: "img" });
	private readonly boxes = new Map<string, SVGGElement>();
	private readonly lines = new Map<string, SVGElement>();

	constructor() {
		this.make();
		const legend = el("details", { class: "legend" }, el("summary", {}, t("legend")), el("dl", {},
			el("dt", {}, el("span", { class: "chip basis-observed" }, "ESTABLISHED")), el("dd", {}, t("legendObserved")),
			el("dt", {}, el("span", { class: "chip basis-inferred" }, "(ESTABLISHED)")), el("dd", {}, t("legendInferred")),
			el("dt", {}, el("span", { class: "chip basis-unseen" }, "[ESTABLISHED]")), el("dd", {}, t("legendUnseen"))));
		this.element.append(el("h2", {}, t("states")), this.words, this.picture, legend);
	}

	private make(): void {
		const marker = svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto-start-reverse" },
			svg("path", { class: "tip", d: "M0 0L8 4L0 8Z" }));

		this.picture.append(svg("defs", {}, marker));
		for (const [from, to] of edges) {
			const [x1, y1, x2, y2] = line(places[from]!, places[to]!);
			const edge = svg("line", { class: "edge", x1, y1, x2, y2, "marker-end": "url(#tip)" });
			this.lines.set(`${from}>${to}`, edge);
			this.picture.append(edge);
		}
		this.curve("LAST-ACK>CLOSED", "M390 252C424 240 424 40 262 24");
		this.curve("TIME-WAIT>CLOSED", "M158 300C-44 312 -8 26 158 24");
		for (const [name, [x, y]] of Object.entries(places)) {
			const box = svg("g", { class: "state", transform: `translate(${x} ${y})` },
				svg("rect", { x: -W / 2, y: -H / 2, width: W, height: H, rx: 6 }),
				svg("rect", { class: "token side0", x: -W / 2 - 3, y: -H / 2 - 3, width: W + 6, height: H + 6, rx: 8 }),
				svg("rect", { class: "token side1", x: -W / 2 - 6, y: -H / 2 - 6, width: W + 12, height: H + 12, rx: 10 }),
				svg("text", { "text-anchor": "middle", dy: "0.35em" }, name));
			this.boxes.set(name, box);
			this.picture.append(box);
		}
	}

	private curve(name: string, d: string): void {
		const edge = svg("path", { class: "edge", d, "marker-end": "url(#tip)" });

		this.lines.set(name, edge);
		this.picture.append(edge);
	}

	show(view: View, at: number): void {
		const now = stateAt(view, at), clock = view.events[at]?.t ?? 0;

		for (const [name, box] of this.boxes) {
			for (const side of [0, 1] as const) {
				box.classList.toggle(`here${side}`, now.state[side] === name);
				for (const basis of ["inferred", "unseen"])
					box.classList.toggle(`${basis}${side}`, now.state[side] === name && now.basis[side] === basis);
			}
		}
		for (const [name, edge] of this.lines)
			for (const side of [0, 1] as const)
				edge.classList.toggle(`taken${side}`, now.edge[side] === name);
		const told = ([0, 1] as const).map((side) => {
			if (now.state[side] === "")
				return el("p", { class: `side${side}` }, el("b", {}, view.names[side]), ` ${t("untold")}`);
			const basis = now.basis[side] === "told" ? "" : ` ${t(now.basis[side] as "observed" | "inferred" | "unseen")}`;
			return el("p", { class: `side${side}` }, el("b", {}, view.names[side]), " ",
				el("span", { class: `chip basis-${now.basis[side]}` }, stateText(now.state[side], now.basis[side])),
				`${basis} · ${span(Math.max(0, clock - now.since[side]))}`);
		});
		this.words.replaceChildren(...told);
		this.picture.setAttribute("aria-label",
			([0, 1] as const).map((side) => `${view.names[side]}: ${now.state[side] || t("untold")}`).join(", "));
	}
}
