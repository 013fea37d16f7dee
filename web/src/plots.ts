/* The plots: sequence numbers in the manner of Stevens (dots and a line of ACKs) or of tcptrace (bars between the ACKs and
 * the window's edge), windows, round trips. All share one span of time, and the cursor. */

import type { Cursor } from "./cursor";
import { el, octets, span, trim } from "./format";
import { busiest, plotted, type Plotted, type Point } from "./series";
import type { Side, View } from "./store";
import { t } from "./words";

interface Line {
	name: string;
	colour: string; /* a custom property of the page */
	points: Point[];
	step: boolean;
	dots?: boolean;
}

interface Scale {
	x(time: number): number;
	y(value: number): number;
}

const LEFT = 62, RIGHT = 10, TOP = 8, BOTTOM = 22;

function ticks(low: number, high: number, wanted: number): number[] {
	const rough = (high - low) / Math.max(1, wanted), power = 10 ** Math.floor(Math.log10(rough || 1));
	const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) ?? power * 10;
	const found: number[] = [];

	for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step)
		found.push(at);
	return found;
}

export class Plots {
	readonly element = el("section", { class: "panel plots" });
	private readonly figures: { name: "sequence" | "window" | "rtt"; canvas: HTMLCanvasElement; legend: HTMLElement; figure: HTMLElement }[] = [];
	private readonly sender = el("select", { "aria-label": t("sender") });
	private readonly manner = el("select", { "aria-label": t("sequence") },
		el("option", { value: "tcptrace" }, t("tcptrace")), el("option", { value: "stevens" }, t("stevens")));
	private view: View | null = null;
	private side: Side = 0;
	private chosen: Side | null = null;
	private points: Plotted | null = null;
	private from = 0;
	private to = 1;
	private all = true;

	constructor(readonly cursor: Cursor) {
		const zoom = (name: string, by: number): HTMLElement => {
			const button = el("button", { type: "button", "aria-label": `${t("keyZoom")} ${name}` }, name);
			button.addEventListener("click", () => by === 0 ? this.whole() : this.zoom(by));
			return button;
		};

		this.element.append(el("div", { class: "plots-head" }, el("h2", {}, t("plots")), this.sender, this.manner,
			zoom("+", 0.5), zoom("−", 2), zoom("1:1", 0), el("span", { class: "hint" }, t("zoomHint"))));
		for (const name of ["sequence", "window", "rtt"] as const)
			this.add(name);
		this.sender.addEventListener("change", () => {
			this.chosen = this.sender.value === "1" ? 1 : 0;
			if (this.view)
				this.show(this.view);
		});
		this.manner.addEventListener("change", () => this.draw());
		cursor.onMove(() => this.reveal());
		new ResizeObserver(() => this.draw()).observe(this.element);
	}

	private add(name: "sequence" | "window" | "rtt"): void {
		const canvas = el("canvas", { role: "img", tabindex: "-1" }), legend = el("div", { class: "plot-legend" });
		const figure = el("figure", { class: `plot plot-${name}` }, el("figcaption", {}, t(name)), canvas, legend);
		let began: number | null = null;

		this.figures.push({ name, canvas, legend, figure });
		this.element.append(figure);
		const timeAt = (event: PointerEvent | WheelEvent | MouseEvent): number => {
			const box = canvas.getBoundingClientRect(), part = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
			return this.from + Math.min(1, Math.max(0, part)) * (this.to - this.from);
		};
		canvas.addEventListener("wheel", (event) => {
			if (!event.ctrlKey && !event.shiftKey && event.deltaY === 0)
				return;
			event.preventDefault();
			this.zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
		}, { passive: false });
		canvas.addEventListener("pointerdown", (event) => { began = timeAt(event); });
		canvas.addEventListener("pointerup", (event) => {
			const ended = timeAt(event);
			if (began !== null && Math.abs(ended - began) > (this.to - this.from) * 0.02)
				this.range(Math.min(began, ended), Math.max(began, ended));
			else if (began !== null)
				this.jump(ended);
			began = null;
		});
		canvas.addEventListener("dblclick", () => this.whole());
	}

	/* The event nearest in time. */
	private jump(time: number): void {
		const events = this.view?.events ?? [];
		let best = 0;

		events.forEach((event, at) => {
			if (Math.abs(event.t - time) < Math.abs(events[best]!.t - time))
				best = at;
		});
		const rung = this.view?.rungOf[best];
		this.cursor.set(rung && rung.sent >= 0 ? rung.sent : best, this);
	}

	zoom(by: number, around?: number): void {
		const middle = around ?? this.view?.events[this.cursor.at]?.t ?? (this.from + this.to) / 2;
		this.range(middle - (middle - this.from) * by, middle + (this.to - middle) * by);
	}

	whole(): void {
		this.all = true;
		this.from = 0;
		this.to = Math.max(1, this.view?.end ?? 1);
		this.draw();
	}

	private range(from: number, to: number): void {
		const end = Math.max(1, this.view?.end ?? 1);

		this.from = Math.max(0, from);
		this.to = Math.min(end, to);
		if (this.to - this.from < 1000)
			this.to = this.from + 1000;
		this.all = this.from <= 0 && this.to >= end;
		this.draw();
	}

	/* Zoomed in: the cursor stays in sight. */
	private reveal(): void {
		const time = this.view?.events[this.cursor.at]?.t;

		if (time !== undefined && !this.all && (time < this.from || time > this.to)) {
			const half = (this.to - this.from) / 2;
			this.range(Math.max(0, time - half), Math.max(0, time - half) + 2 * half);
		} else {
			this.draw();
		}
	}

	show(view: View): void {
		const isOther = this.view?.conn !== view.conn;

		this.view = view;
		if (isOther)
			this.chosen = null;
		this.side = this.chosen ?? busiest(view);
		this.sender.replaceChildren(...view.names.map((name, side) => el("option", { value: String(side) }, `${t("sender")} ${name}`)));
		this.sender.value = String(this.side);
		this.points = plotted(view, this.side);
		if (this.all || isOther)
			this.whole();
		else
			this.draw();
	}

	redraw(): void {
		this.draw();
	}

	/* ---- drawing ---- */

	private lines(name: "sequence" | "window" | "rtt"): Line[] {
		const p = this.points!;

		switch (name) {
		case "sequence": return [
			{ name: t("acked"), colour: "--ack", points: p.acks, step: this.manner.value === "tcptrace" },
			...(this.manner.value === "tcptrace" ? [{ name: t("edge"), colour: "--edge", points: p.edge, step: true }] : []),
		];
		case "window": return [
			{ name: t("flight"), colour: "--flight", points: p.flight, step: true },
			{ name: t("cwnd"), colour: "--cwnd", points: p.cwnd, step: true },
			{ name: t("ssthresh"), colour: "--ssthresh", points: p.ssthresh, step: true },
			{ name: t("rwnd"), colour: "--edge", points: p.rwnd, step: true },
		];
		case "rtt": return [
			{ name: t("sample"), colour: "--ack", points: p.rtt, step: false, dots: true },
			{ name: t("srtt"), colour: "--cwnd", points: p.srtt, step: true },
		];
		}
	}

	private draw(): void {
		if (!this.view || !this.points)
			return;
		for (const figure of this.figures)
			this.drawOne(figure.name, figure.canvas, figure.legend, figure.figure);
	}

	private drawOne(name: "sequence" | "window" | "rtt", canvas: HTMLCanvasElement, legend: HTMLElement, figure: HTMLElement): void {
		const lines = this.lines(name).filter((line) => line.points.length > 0);
		const marks = name === "sequence" ? this.points!.marks : [];
		const isEmpty = lines.length === 0 && marks.length === 0;
		const context = canvas.getContext("2d");
		const wide = canvas.clientWidth, high = canvas.clientHeight, ratio = window.devicePixelRatio || 1;

		figure.classList.toggle("is-empty", isEmpty);
		if (!context || wide === 0)
			return;
		canvas.width = Math.round(wide * ratio);
		canvas.height = Math.round(high * ratio);
		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		const [low, top] = this.bounds(name, lines);
		const scale: Scale = {
			x: (time) => LEFT + (time - this.from) / (this.to - this.from) * (wide - LEFT - RIGHT),
			y: (value) => high - BOTTOM - (value - low) / (top - low) * (high - TOP - BOTTOM),
		};
		this.axes(context, name, scale, low, top, wide, high);
		context.save();
		context.beginPath();
		context.rect(LEFT, TOP - 2, wide - LEFT - RIGHT, high - TOP - BOTTOM + 4);
		context.clip();
		for (const line of lines)
			this.line(context, scale, line);
		if (name === "sequence")
			this.marks(context, scale);
		this.pointer(context, scale, high);
		context.restore();
		this.name(name, canvas, legend, lines, isEmpty);
	}

	private bounds(name: string, lines: Line[]): [number, number] {
		let low = name === "sequence" ? Infinity : 0, top = 0;

		for (const line of lines) {
			if (name === "sequence" && line.colour === "--edge")
				continue; /* a large window would press all else flat */
			let before: number | null = null;
			for (const [time, value] of line.points) {
				if (time >= this.from && time <= this.to) {
					low = Math.min(low, value, before ?? value);
					top = Math.max(top, value, before ?? value);
				}
				before = value;
			}
		}
		if (name === "sequence")
			for (const mark of this.points!.marks)
				if (mark.t >= this.from && mark.t <= this.to) {
					low = Math.min(low, mark.from);
					top = Math.max(top, mark.to);
				}
		if (name === "window" && this.points!.flight.length > 0)
			top = this.windowTop(top);
		low = low === Infinity ? 0 : low;
		return [low, top > low ? top + (top - low) * 0.05 : low + 1];
	}

	/* Where the receive window is far above all else it is left out of the scale. */
	private windowTop(top: number): number {
		const most = (points: Point[]): number => points.reduce((m, [time, value]) =>
			time >= this.from && time <= this.to ? Math.max(m, value) : m, 0);
		const used = Math.max(most(this.points!.flight), most(this.points!.cwnd));

		return used > 0 && top > 4 * used ? 1.6 * used : top;
	}

	private colour(name: string): string {
		return getComputedStyle(this.element).getPropertyValue(name).trim() || "#888";
	}

	private axes(c: CanvasRenderingContext2D, name: string, scale: Scale, low: number, top: number, wide: number, high: number): void {
		c.font = "11px system-ui, sans-serif";
		c.strokeStyle = this.colour("--grid");
		c.fillStyle = this.colour("--soft");
		c.lineWidth = 1;
		c.textBaseline = "middle";
		c.textAlign = "right";
		for (const value of ticks(low, top, Math.max(2, high / 45))) {
			const y = Math.round(scale.y(value)) + 0.5;
			c.beginPath();
			c.moveTo(LEFT, y);
			c.lineTo(wide - RIGHT, y);
			c.stroke();
			c.fillText(name === "rtt" ? span(value) : octets(Math.round(value)), LEFT - 6, y);
		}
		c.textAlign = "center";
		c.textBaseline = "top";
		for (const time of ticks(this.from, this.to, Math.max(2, wide / 130)))
			c.fillText(time === 0 ? "0" : time >= 1e9 ? `${trim(time / 1e9, 6)} s` : `${trim(time / 1e6, 3)} ms`, Math.min(wide - 28, scale.x(time)), high - BOTTOM + 6);
	}

	private line(c: CanvasRenderingContext2D, scale: Scale, line: Line): void {
		c.strokeStyle = c.fillStyle = this.colour(line.colour);
		c.lineWidth = 1.5;
		if (line.dots) {
			for (const [time, value] of line.points)
				c.fillRect(scale.x(time) - 2, scale.y(value) - 2, 4, 4);
			return;
		}
		c.beginPath();
		line.points.forEach(([time, value], i) => {
			const x = scale.x(time), y = scale.y(value);
			if (i === 0)
				c.moveTo(x, y);
			else if (line.step)
				c.lineTo(x, scale.y(line.points[i - 1]![1]));
			c.lineTo(x, y);
		});
		const last = line.points[line.points.length - 1];
		if (line.step && last)
			c.lineTo(scale.x(this.view!.end), scale.y(last[1]));
		c.stroke();
	}

	private marks(c: CanvasRenderingContext2D, scale: Scale): void {
		const colours = { sent: this.colour("--sent"), again: this.colour("--again"), lost: this.colour("--lost"), sack: this.colour("--sack") };
		const isStevens = this.manner.value === "stevens";

		for (const mark of this.points!.marks) {
			if (mark.t < this.from || mark.t > this.to)
				continue;
			const x = scale.x(mark.t), y1 = scale.y(mark.from), y2 = scale.y(mark.to);
			c.strokeStyle = c.fillStyle = colours[mark.kind];
			c.lineWidth = mark.kind === "sack" ? 3 : 2;
			c.beginPath();
			if (mark.kind === "lost") {
				const y = (y1 + y2) / 2;
				c.moveTo(x - 4, y - 4);
				c.lineTo(x + 4, y + 4);
				c.moveTo(x + 4, y - 4);
				c.lineTo(x - 4, y + 4);
				c.stroke();
			} else if (isStevens && mark.kind !== "sack") {
				c.arc(x, y1, mark.kind === "again" ? 3.5 : 2.5, 0, 7);
				c.fill();
			} else if (!isStevens) {
				c.moveTo(x, y1);
				c.lineTo(x, Math.min(y2, y1 - 2));
				c.stroke();
			}
		}
	}

	private pointer(c: CanvasRenderingContext2D, scale: Scale, high: number): void {
		const time = this.view!.events[this.cursor.at]?.t;

		if (time === undefined)
			return;
		c.strokeStyle = this.colour("--accent");
		c.lineWidth = 1.5;
		c.setLineDash([4, 3]);
		c.beginPath();
		c.moveTo(scale.x(time), TOP);
		c.lineTo(scale.x(time), high - BOTTOM);
		c.stroke();
		c.setLineDash([]);
	}

	/* The legend, with each value at the cursor. */
	private name(name: string, canvas: HTMLCanvasElement, legend: HTMLElement, lines: Line[], isEmpty: boolean): void {
		const time = this.view!.events[this.cursor.at]?.t ?? 0;
		const entry = (colour: string, text: string): HTMLElement => {
			const key = el("i", {});
			key.style.background = `var(${colour})`;
			return el("span", {}, key, text);
		};
		const at = (points: Point[]): string => {
			let value: number | null = null;
			for (const [when, that] of points) {
				if (when > time)
					break;
				value = that;
			}
			return value === null ? "" : ` ${name === "rtt" ? span(Math.round(value)) : octets(Math.round(value))}`;
		};
		const kinds = name === "sequence" ? [entry("--sent", t("sent")), entry("--again", t("retransmitted")), entry("--lost", t("lost")), entry("--sack", t("sack"))] : [];

		legend.replaceChildren(...(isEmpty ? [t("noPoints")] : [...kinds, ...lines.map((line) => entry(line.colour, line.name + at(line.points)))]));
		canvas.setAttribute("aria-label", isEmpty ? t("noPoints") : `${t(name as "sequence")}: ${lines.map((line) => line.name + at(line.points)).join(", ")}`);
	}
}
