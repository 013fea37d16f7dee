/* Sliders for the way between the hosts, in both directions or one of them. */

import { el, span, trim } from "../format";
import type { PathStatus } from "./door";
import type { Run } from "./run";
import { w, type Word } from "./words";

interface Slider {
	word: Word;
	key: keyof PathStatus;
	verb: string;
	values: number[]; /* of the action: microseconds, ten-thousandths, bytes per second, packets */
	show: (value: number) => string;
	of: (status: number) => number; /* from the status to the action's unit */
}

const micro = (value: number): string => span(value * 1000);
const share = (value: number): string => `${trim(value / 100, 2)} %`;
const rate = (value: number): string => value === 0 ? w("unlimited") :
	value >= 125000 ? `${trim(value / 125000, 1)} Mbit/s` : `${trim(value / 125, 0)} kbit/s`;
const same = (value: number): number => value;
const SHARES = [0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 5000, 10000];

const SLIDERS: Slider[] = [
	{ word: "delay", key: "delay", verb: "delay", show: micro, of: (ns) => ns / 1000,
		values: [0, 100, 1000, 5000, 10000, 20000, 40000, 60000, 100000, 200000, 300000, 600000, 1000000, 3000000] },
	{ word: "jitter", key: "jitter", verb: "jitter", show: micro, of: (ns) => ns / 1000,
		values: [0, 100, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 300000] },
	{ word: "loss", key: "loss", verb: "loss", show: share, of: same, values: SHARES },
	{ word: "duplicate", key: "duplicate", verb: "duplicate", show: share, of: same, values: SHARES },
	{ word: "reorder", key: "reorder", verb: "reorder", show: share, of: same, values: SHARES },
	{ word: "corrupt", key: "corrupt", verb: "corrupt", show: share, of: same, values: SHARES },
	{ word: "rate", key: "rate", verb: "rate", show: rate, of: same,
		values: [0, 1250, 7000, 16000, 32000, 64000, 125000, 250000, 625000, 1250000, 6250000, 12500000, 125000000] },
	{ word: "queue", key: "limit", verb: "limit", show: (n) => String(n), of: same,
		values: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
];

function nearest(values: number[], value: number): number {
	let best = 0;

	for (let i = 1; i < values.length; i++)
		if (Math.abs(values[i]! - value) < Math.abs(values[best]! - value))
			best = i;
	return best;
}

export class Path {
	readonly root: HTMLElement;
	private readonly direction = el("select", {});
	private readonly parts: { slider: Slider; input: HTMLInputElement; output: HTMLOutputElement }[] = [];

	constructor(private readonly run: Run, private readonly act: (action: string) => void) {
		for (const [value, word] of [["w", "both"], ["c", "toServer"], ["s", "toClient"]] as const)
			this.direction.append(el("option", { value }, w(word)));
		this.direction.addEventListener("change", () => this.draw());
		const grid = el("div", { class: "pg-sliders" });
		for (const slider of SLIDERS)
			grid.append(this.part(slider));
		this.root = el("section", { class: "pg-path" }, el("h2", {}, w("path")),
			el("label", { class: "pg-direction" }, `${w("direction")} `, this.direction), grid);
		this.draw();
	}

	private part(slider: Slider): HTMLElement {
		const input = el("input", { type: "range", min: "0", max: String(slider.values.length - 1), step: "1",
			"data-slider": slider.word });
		const output = el("output", {});

		input.addEventListener("input", () => this.say({ slider, input, output }, slider.values[Number(input.value)]!));
		/* One action for where it is let go, not for all that it passes. */
		input.addEventListener("change", () =>
			this.act(`${this.direction.value}.${slider.verb}.${slider.values[Number(input.value)]!}`));
		this.parts.push({ slider, input, output });
		return el("label", {}, el("span", {}, w(slider.word)), input, output);
	}

	private say(part: { slider: Slider; input: HTMLInputElement; output: HTMLOutputElement }, value: number): void {
		const text = part.slider.show(value);

		if (part.output.textContent !== text) {
			part.output.textContent = text;
			part.input.setAttribute("aria-valuetext", text);
		}
	}

	draw(): void {
		const path = this.run.status.ends[this.direction.value === "s" ? 1 : 0].path;

		for (const part of this.parts) {
			if (document.activeElement === part.input && part.input.matches(":active"))
				continue;
			const value = part.slider.of(path[part.slider.key]);
			const at = String(nearest(part.slider.values, value));
			if (part.input.value !== at)
				part.input.value = at;
			this.say(part, value);
		}
	}
}
