/* Time, sharing and new runs. */

import { el, seconds, span } from "../format";
import type { PathStatus, Status } from "./door";
import type { Run } from "./run";
import { w, type Word } from "./words";

const SPEEDS = [1e6, 5e6, 10e6, 20e6, 40e6, 100e6, 200e6, 500e6, 1e9, 5e9, 30e9];

function button(word: Word, hint: Word | null, on: () => void, kind = ""): HTMLButtonElement {
	const made = el("button", { type: "button", "data-bar": word });

	made.textContent = w(word);
	if (kind !== "")
		made.className = kind;
	if (hint !== null)
		made.title = w(hint);
	made.addEventListener("click", on);
	return made;
}

/* What a new run begins with, so that it goes on with the path and the programs as they are set now. */
function carried(status: Status): string {
	const actions: string[] = [];
	const whose = (get: (end: 0 | 1) => string | null): void => {
		const [c, s] = [get(0), get(1)];
		if (c !== null && c === s)
			actions.push(`0.w.${c}`);
		else
			for (const [letter, what] of [["c", c], ["s", s]] as const)
				if (what !== null)
					actions.push(`0.${letter}.${what}`);
	};
	const path = (verb: string, key: keyof PathStatus, usual: number, unit = 1): void => whose((end) => {
		const value = Math.round(status.ends[end].path[key] / unit);
		return value === usual ? null : `${verb}.${value}`;
	});

	path("delay", "delay", 0, 1000);
	path("jitter", "jitter", 0, 1000);
	path("loss", "loss", 0);
	path("duplicate", "duplicate", 0);
	path("corrupt", "corrupt", 0);
	path("reorder", "reorder", 0);
	path("rate", "rate", 0);
	path("limit", "limit", 1000);
	whose((end) => status.ends[end].cc === "cubic" ? null : `cc.${status.ends[end].cc}`);
	whose((end) => status.ends[end].nodelay ? "nodelay.1" : null);
	actions.push("0.s.listen.1");
	return actions.join();
}

interface Setting {
	word: Word;
	key: "seed" | "ip" | "mtu" | "sack" | "ts" | "ecn" | "buffer" | "msl";
	usual: number;
	options: [number, string][] | null; /* null: a number */
	most?: number;
}

const ON_OFF: [number, string][] = [[1, "✓"], [0, "–"]];

export class Bar {
	readonly root: HTMLElement;
	readonly settings: HTMLElement;
	private readonly playButton: HTMLButtonElement;
	private readonly stepButton: HTMLButtonElement;
	private readonly clock = el("output", { class: "pg-clock", "aria-live": "off" });
	private readonly next = el("span", { class: "pg-next" });
	private readonly banner = el("p", { class: "pg-banner", role: "status" });
	private readonly againButton: HTMLButtonElement;
	private readonly link = el("input", { type: "text", readonly: "", class: "pg-link", "aria-label": "link" });
	private readonly command = el("code", { class: "pg-command" });
	private readonly sharing: HTMLElement;
	private readonly fields = new Map<Setting["key"], HTMLInputElement | HTMLSelectElement>();

	constructor(private readonly run: Run, private readonly begin: (share: string) => void,
		again: () => void, private readonly address: () => string) {
		const speed = el("select", { "data-bar": "speed" });

		this.playButton = button("play", null, () => run.play(!run.playing), "pg-primary");
		this.stepButton = button("step", "stepHint", () => {
			run.play(false);
			run.step();
		});
		this.againButton = button("again", null, again);
		for (const ns of SPEEDS)
			speed.append(el("option", { value: String(ns) }, `${span(ns)} ${w("perSecond")}`));
		speed.value = String(run.speed);
		speed.addEventListener("change", () => {
			run.speed = Number(speed.value);
		});
		this.sharing = el("div", { class: "pg-sharing", hidden: "" }, this.link, el("p", {}, this.command));
		this.root = el("div", { class: "pg-bar" },
			el("div", { class: "pg-buttons" }, this.playButton, this.stepButton,
				el("label", {}, `${w("speed")} `, speed), this.clock, this.next,
				el("span", { class: "pg-space" }), button("share", "shareHint", () => void this.share()), this.againButton,
				button("fresh", null, () => begin(this.fresh()))),
			this.sharing, this.banner);
		this.settings = this.makeSettings();
		this.draw();
	}

	private makeSettings(): HTMLElement {
		const rows: Setting[] = [
			{ word: "seed", key: "seed", usual: -1, options: null, most: Number.MAX_SAFE_INTEGER },
			{ word: "ip", key: "ip", usual: 4, options: [[4, "IPv4"], [6, "IPv6"]] },
			{ word: "mtu", key: "mtu", usual: 1500, options: [576, 1280, 1500, 9000].map((n) => [n, String(n)]) },
			{ word: "sack", key: "sack", usual: 1, options: ON_OFF },
			{ word: "ts", key: "ts", usual: 1, options: ON_OFF },
			{ word: "ecn", key: "ecn", usual: 0, options: [[0, w("ecnOff")], [1, w("ecnClassic")], [2, w("ecnAccurate")]] },
			{ word: "buffer", key: "buffer", usual: 0, options: [[0, w("grows")],
				...[2000, 4000, 10000, 65535, 1000000].map((n): [number, string] => [n, String(n)])] },
			{ word: "msl", key: "msl", usual: 30, options: [1, 5, 30, 120, 240].map((n) => [n, `${n} s`]) },
		];
		const form = el("div", { class: "pg-settings" });

		for (const row of rows) {
			const field = row.options === null ?
				el("input", { type: "number", min: "0", max: String(row.most) }) :
				el("select", {}, ...row.options.map(([n, text]) => el("option", { value: String(n) }, text)));
			field.dataset["setting"] = row.key;
			this.fields.set(row.key, field);
			form.append(el("label", {}, `${w(row.word)} `, field));
		}
		form.append(button("apply", null, () => this.begin(this.fresh())));
		const all = el("details", { class: "pg-more" }, el("summary", {}, w("settings")), form);
		all.addEventListener("toggle", () => this.fill());
		return all;
	}

	fill(): void {
		for (const [key, field] of this.fields) {
			const value = String(this.run.status[key]);
			if (field instanceof HTMLSelectElement && ![...field.options].some((option) => option.value === value))
				field.append(el("option", { value }, value));
			field.value = value;
		}
	}

	private fresh(): string {
		const usual: Record<string, string> = { ip: "4", mtu: "1500", sack: "1", ts: "1", ecn: "0", buffer: "0", msl: "30" };
		const settings: string[] = [];

		for (const [key, field] of this.fields) {
			const value = key === "seed" ? String(Math.max(0, Math.floor(Number(field.value) || 0))) : field.value;
			if (value !== usual[key])
				settings.push(`${key}=${value}`);
		}
		return `tern1,${[...settings, carried(this.run.status)].join()}`;
	}

	private async share(): Promise<void> {
		const address = this.address();

		this.link.value = address;
		this.command.textContent = `tern replay --playground '${address.slice(address.indexOf("#") + 1)}'`;
		this.sharing.hidden = false;
		this.link.select();
		try {
			await navigator.clipboard.writeText(address);
			this.say(w("copied"));
		} catch {
			/* no permission, or a file: it is selected, and may be copied by hand */
		}
	}

	say(text: string, kind = ""): void {
		this.banner.textContent = text;
		this.banner.dataset["kind"] = kind;
	}

	draw(): void {
		const { status, playing } = this.run;

		this.playButton.textContent = w(playing ? "pause" : "play");
		this.playButton.setAttribute("aria-pressed", String(playing));
		this.playButton.disabled = status.problem !== null;
		this.stepButton.disabled = status.next === null;
		this.againButton.disabled = status.actions === 0 && status.now === 0;
		this.clock.textContent = `${seconds(status.now)} s`;
		this.next.textContent = status.next === null ? w("never") :
			`${w("next")}: +${span(Math.max(status.next - status.now, 0))}` +
			(status.coming > 0 ? ` · ${status.coming} ${w("coming")}` : "");
		if (status.problem !== null)
			this.say(`${w("stopped")} ${status.problem}`, "bad");
	}
}
