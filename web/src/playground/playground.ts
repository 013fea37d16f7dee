/* tern's playground: the stack in the page. Puts the parts together, and keeps the address the run's own. */

import { el } from "../format";
import type { Meta } from "../model";
import { mountPage } from "../page";
import { Store } from "../store";
import { Bar } from "./bar";
import { Door } from "./door";
import { End } from "./ends";
import { Path } from "./path";
import { Run } from "./run";
import { Stage } from "./stage";
import { STYLE } from "./style";
import { speak, w } from "./words";

const FIRST = "tern1,seed=1,0.w.delay.40000,0.s.listen.1";

function module(): Uint8Array<ArrayBuffer> {
	const text = document.getElementById("tern-wasm");
	const content = text instanceof HTMLTemplateElement ? text.content.textContent : text?.textContent;
	const bytes = atob((content ?? "").replace(/\s+/g, ""));

	if (bytes.length === 0)
		throw new Error(w("noModule"));
	const made = new Uint8Array(bytes.length);
	for (let i = 0; i < bytes.length; i++)
		made[i] = bytes.charCodeAt(i);
	return made;
}

function shareOf(address: string): string | null {
	const at = address.indexOf("#tern");

	return at < 0 ? null : decodeURIComponent(address.slice(at + 1));
}

class Playground {
	private readonly store: Store;
	private readonly run: Run;
	private readonly bar: Bar;
	private readonly stage: Stage;
	private readonly ends: [End, End];
	private readonly path: Path;
	private broken = false;
	private kept = ""; /* the share that the address has */

	constructor(root: HTMLElement, private readonly door: Door, meta: Meta) {
		this.store = new Store(meta);
		this.door.start(FIRST);
		this.run = new Run(door, this.store);
		const act = (action: string): void => this.guard(() => this.act(action));
		this.bar = new Bar(this.run, (share) => this.guard(() => this.begin(share)), () => this.guard(() => this.again()),
			() => this.address());
		this.stage = new Stage(this.run, act);
		this.ends = [new End(this.run, 0, act), new End(this.run, 1, act)];
		this.path = new Path(this.run, act);
		const top = el("div", { class: "pg" },
			el("header", { class: "pg-head" }, el("h1", {}, w("title")), el("p", {}, w("about"))), this.bar.root,
			el("div", { class: "pg-table" }, this.ends[0].root, this.stage.root, this.ends[1].root),
			this.path.root, this.bar.settings);
		const below = el("div", { class: "pg-below" });
		root.replaceChildren(top, below);
		const page = mountPage(below, this.store);
		page.setFollow(true);
		below.addEventListener("tern:segment", (event) => {
			const { n } = (event as CustomEvent<{ n: number }>).detail;
			if (this.run.flying.has(n))
				this.stage.choose(n);
		});
		this.run.onChange(() => this.draw());
		addEventListener("hashchange", () => this.guard(() => this.load()));
		this.guard(() => this.load());
		const frame = (real: number): void => {
			this.guard(() => this.run.frame(real));
			requestAnimationFrame(frame);
		};
		requestAnimationFrame(frame);
	}

	/* The stack's own assertions trap; then nothing of it may be called any more. */
	private guard(what: () => void): void {
		if (this.broken)
			return;
		try {
			what();
		} catch (error) {
			if (!(error instanceof WebAssembly.RuntimeError))
				throw error;
			this.broken = true;
			this.run.playing = false;
			this.bar.say(w("failed"), "bad");
		}
	}

	private draw(): void {
		this.bar.draw();
		this.stage.draw();
		for (const end of this.ends)
			end.draw();
		this.path.draw();
	}

	private address(): string {
		this.keep();
		return location.href;
	}

	private keep(): void {
		this.kept = this.door.share(); /* which goes on to the next whole microsecond */
		this.run.runTo(this.door.now);
		history.replaceState(null, "", `#${this.kept}`);
	}

	private act(action: string): void {
		const refused = this.run.act(action);

		if (refused !== null) {
			this.bar.say(w("refused"));
			return;
		}
		this.bar.say("");
		this.keep();
	}

	private begin(share: string): void {
		const wrong = this.run.start(share);

		this.run.play(false);
		this.stage.choose(null);
		this.bar.fill();
		if (wrong !== null)
			this.bar.say(`${w("wrongLink")} ${wrong}`, "bad");
		else
			this.bar.say("");
	}

	private again(): void {
		this.begin(this.door.share());
		this.run.play(true);
	}

	/* As the address says: a run that was shared, where it was left; else a new one. */
	private load(): void {
		const share = shareOf(location.href);

		if (share === null || share === this.kept) {
			if (share === null)
				this.begin(FIRST);
			return;
		}
		this.begin(share);
		const { to } = this.run.status;
		if (to !== null)
			this.run.runTo(to);
		const { check } = this.run.status;
		if (check !== "unknown")
			this.bar.say(w(check), check === "identical" ? "good" : "bad");
		this.kept = share;
	}
}

async function main(): Promise<void> {
	const { lang: told, version } = document.getElementById("tern-wasm")?.dataset ?? {};
	const lang = (told ?? navigator.language).toLowerCase().startsWith("zh") ? "zh" : "en";
	const root = document.getElementById("tern-page") ?? document.body;
	const sheet = new CSSStyleSheet();

	speak(lang);
	sheet.replaceSync(STYLE);
	document.adoptedStyleSheets.push(sheet);
	try {
		const door = await Door.open(module());
		new Playground(root, door, { title: w("title"), source: "playground", command: "tern report --playground", lang,
			version: version ?? "" });
	} catch (error) {
		root.replaceChildren(el("p", { class: "pg-banner", "data-kind": "bad" }, `${w("noWasm")} ${String(error)}`));
		throw error;
	}
}

void main();
