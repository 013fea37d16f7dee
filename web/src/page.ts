/* The page: its parts around one cursor, the controls, the keys. A live source appends to the store; the page follows. */

import { Cursor } from "./cursor";
import { makeFilter } from "./filter";
import { el, grouped } from "./format";
import { Inspector } from "./inspector";
import { Ladder } from "./ladder";
import { Plots } from "./plots";
import type { RowOptions } from "./rows";
import { States } from "./states";
import type { Store, View } from "./store";
import { setLanguage, t } from "./words";

export interface Page {
	cursor: Cursor;
	toolbar: HTMLElement; /* for controls of one's own */
	aside: HTMLElement;
	setFollow(on: boolean): void; /* the cursor sticks to the newest event */
	destroy(): void;
}

/* Switches between light, dark and what the system asks for. */
export function setTheme(theme: string | null): void {
	if (theme === "light" || theme === "dark")
		document.documentElement.dataset["theme"] = theme;
	else
		delete document.documentElement.dataset["theme"];
}

function turnTheme(): void {
	const asked = document.documentElement.dataset["theme"];
	const dark = asked ? asked === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

	setTheme(dark ? "light" : "dark");
}

class Shell implements Page {
	readonly cursor = new Cursor();
	readonly toolbar = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("controls") });
	readonly aside = el("div", { class: "aside" });
	private readonly options: RowOptions = { timers: false, fold: true, opened: new Set(), test: null };
	private readonly ladder: Ladder;
	private readonly states = new States();
	private readonly inspector = new Inspector();
	private readonly plots: Plots;
	private readonly connection = el("select", { "aria-label": t("connection") });
	private readonly filter = el("input", { type: "search", placeholder: t("filterHint"), "aria-label": t("filter"), spellcheck: "false" });
	private readonly count = el("span", { class: "count", role: "status" });
	private readonly help = el("dialog", { class: "help" });
	private readonly abort = new AbortController();
	private readonly title = el("h1", {});
	private readonly about = el("p", { class: "about" });
	private playing = 0;
	private playButton!: HTMLButtonElement;
	private follow = false;
	private conn = -1;
	private frame = 0;

	constructor(readonly root: HTMLElement, readonly store: Store) {
		this.ladder = new Ladder(store, this.cursor, this.options);
		this.plots = new Plots(this.cursor);
		this.makeToolbar();
		this.makeHelp();
		root.replaceChildren(
			el("header", { class: "top" }, this.title, this.about), this.toolbar,
			el("main", {}, el("section", { class: "panel ladder-panel" }, el("h2", {}, t("ladder")), this.ladder.element),
				el("div", { class: "side" }, this.aside, this.states.element, this.inspector.element), this.plots.element),
			this.help);
		this.cursor.onMove((at) => this.moved(at));
		store.onChange(() => this.later());
		const signal = this.abort.signal;
		document.addEventListener("keydown", (event) => this.key(event), { signal });
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plots.redraw(), { signal });
		window.addEventListener("beforeprint", () => this.print(true), { signal });
		window.addEventListener("afterprint", () => this.print(false), { signal });
		window.addEventListener("hashchange", () => this.fromHash(), { signal });
		this.refresh();
		this.cursor.set(this.ladder.firstEvent());
		this.fromHash();
	}

	setFollow(on: boolean): void {
		this.follow = on;
	}

	destroy(): void {
		this.abort.abort();
		this.stop();
		this.root.replaceChildren();
	}

	/* ---- controls ---- */

	private button(text: string, label: string, act: () => void): HTMLButtonElement {
		const button = el("button", { type: "button", "aria-label": label, title: label }, text);

		button.addEventListener("click", act);
		this.toolbar.append(button);
		return button;
	}

	private check(label: string, on: boolean, act: (on: boolean) => void): HTMLInputElement {
		const box = el("input", { type: "checkbox" });

		box.checked = on;
		box.addEventListener("change", () => act(box.checked));
		this.toolbar.append(el("label", {}, box, label));
		return box;
	}

	private foldBox!: HTMLInputElement;

	private makeToolbar(): void {
		this.toolbar.append(this.connection);
		this.button("«", t("first"), () => this.cursor.set(this.ladder.firstEvent()));
		this.button("‹", t("previous"), () => this.step(-1));
		this.playButton = this.button("▶", t("play"), () => this.toggle());
		this.playButton.classList.add("play");
		this.button("›", t("next"), () => this.step(1));
		this.button("»", t("last"), () => this.cursor.set(this.ladder.lastEvent()));
		this.toolbar.append(el("label", { class: "filter" }, t("filter"), this.filter));
		this.check(t("timers"), false, (on) => { this.options.timers = on; this.refresh(); });
		this.foldBox = this.check(t("fold"), true, (on) => { this.options.fold = on; this.options.opened.clear(); this.refresh(); });
		this.toolbar.append(this.count);
		this.button("◐", t("theme"), () => this.theme());
		this.button(t("print"), t("print"), () => window.print());
		this.button("?", t("keys"), () => this.help.showModal());
		this.filter.addEventListener("input", () => this.refresh());
		this.connection.addEventListener("change", () => {
			this.conn = Number(this.connection.value);
			this.options.opened.clear();
			this.refresh();
			this.cursor.set(this.ladder.firstEvent());
		});
	}

	private makeHelp(): void {
		const rows: [string, string][] = [
			["→ ← j k", t("keyStep")], ["n p", t("keySegment")], ["s S", t("keyState")], ["r R", t("keyTrouble")],
			["Home End", t("keyEnds")], ["/", t("keyFilter")], ["␣", t("keyPlay")], ["+ − 0", t("keyZoom")],
			["f", t("keyFold")], ["d", t("keyTheme")], ["?", t("keyHelp")],
		];
		const close = el("button", { type: "button" }, t("close"));

		close.addEventListener("click", () => this.help.close());
		this.help.append(el("h2", {}, t("help")), el("dl", {}, ...rows.flatMap(([keys, what]) =>
			[el("dt", {}, ...keys.split(" ").flatMap((key) => [el("kbd", {}, key), " "])), el("dd", {}, what)])), close);
	}

	private theme(): void {
		turnTheme();
		this.plots.redraw();
	}

	private print(on: boolean): void {
		this.root.classList.toggle("printing", on);
		this.ladder.print(on);
		this.plots.redraw();
	}

	private key(event: KeyboardEvent): void {
		const target = event.target;
		const typing = target instanceof HTMLInputElement && target.type !== "checkbox" || target instanceof HTMLSelectElement ||
			target instanceof HTMLTextAreaElement;

		if (event.key === "Escape" && typing) {
			(target as HTMLElement).blur();
			return;
		}
		if (typing || event.ctrlKey || event.metaKey || event.altKey || this.help.open)
			return;
		if (this.acted(event.key, target))
			event.preventDefault();
	}

	private acted(key: string, target: EventTarget | null): boolean {
		const view = this.view();
		const isTrouble = (at: number): boolean => {
			const rung = view.rungOf[at];
			return rung !== null && rung !== undefined && rung.sent === at && (rung.lost || rung.segment.again_of !== undefined);
		};

		switch (key) {
		case "ArrowRight": case "ArrowDown": case "j": this.step(1); return true;
		case "ArrowLeft": case "ArrowUp": case "k": this.step(-1); return true;
		case "n": this.step(1, (at) => view.rungOf[at]?.sent === at); return true;
		case "p": this.step(-1, (at) => view.rungOf[at]?.sent === at); return true;
		case "s": this.step(1, (at) => view.events[at]!.ev === "state"); return true;
		case "S": this.step(-1, (at) => view.events[at]!.ev === "state"); return true;
		case "r": this.step(1, isTrouble); return true;
		case "R": this.step(-1, isTrouble); return true;
		case "PageDown": this.many(1); return true;
		case "PageUp": this.many(-1); return true;
		case "Home": this.cursor.set(this.ladder.firstEvent()); return true;
		case "End": this.cursor.set(this.ladder.lastEvent()); return true;
		case "/": this.filter.focus(); return true;
		case "+": case "=": this.plots.zoom(0.5); return true;
		case "-": this.plots.zoom(2); return true;
		case "0": this.plots.whole(); return true;
		case "f": this.foldBox.click(); return true;
		case "d": this.theme(); return true;
		case "?": this.help.showModal(); return true;
		case " ":
			if (target instanceof HTMLButtonElement || target instanceof HTMLInputElement)
				return false;
			this.toggle();
			return true;
		default: return false;
		}
	}

	private step(by: 1 | -1, wanted: (at: number) => boolean = () => true): void {
		this.follow = false;
		this.cursor.set(this.ladder.step(this.cursor.at, by, wanted));
	}

	private many(by: 1 | -1): void {
		for (let i = 0; i < 15; i++)
			this.step(by);
	}

	/* ---- playing: a moment for each event, longer where more time passed ---- */

	private toggle(): void {
		if (this.playing) {
			this.stop();
			return;
		}
		if (this.cursor.at >= this.ladder.lastEvent())
			this.cursor.set(this.ladder.firstEvent());
		this.playButton.textContent = "❚❚";
		this.playButton.setAttribute("aria-label", t("pause"));
		this.tick();
	}

	private tick(): void {
		const view = this.view(), at = this.cursor.at, next = this.ladder.step(at, 1, () => true);

		if (next === at) {
			this.stop();
			return;
		}
		const passed = view.events[next]!.t - view.events[at]!.t;
		const part = view.end > 0 ? passed / view.end : 0;
		this.playing = window.setTimeout(() => {
			this.cursor.set(next);
			this.tick();
		}, Math.min(900, 60 + part * 6000));
	}

	private stop(): void {
		clearTimeout(this.playing);
		this.playing = 0;
		this.playButton.textContent = "▶";
		this.playButton.setAttribute("aria-label", t("play"));
	}

	/* ---- showing ---- */

	private view(): View {
		return this.store.view(this.conn);
	}

	private later(): void {
		cancelAnimationFrame(this.frame);
		this.frame = requestAnimationFrame(() => {
			this.refresh();
			if (this.follow)
				this.cursor.set(this.ladder.lastEvent());
		});
	}

	private refresh(): void {
		this.choices();
		const view = this.view();

		this.title.textContent = this.store.meta.title;
		this.about.textContent = this.aboutText(view);
		document.title = `${this.store.meta.title} - tern`;
		this.options.test = makeFilter(view, this.filter.value);
		this.ladder.show(view);
		this.plots.show(view);
		this.moved(this.cursor.at);
		const absent = view.events.reduce((sum, event) => sum + (event.ev === "folded" ? event.segments : 0), 0);
		this.count.textContent = `${grouped(view.rungs.length + absent)} ${t("segments")}, ${grouped(view.events.length)} ${t("events")}` +
			(absent > 0 ? `; ${grouped(absent)} ${t("segments")} ${t("thinned")}` : "") +
			(this.store.broken > 0 ? `; ${this.store.broken} ${t("broken")}` : "");
	}

	private aboutText(view: View): string {
		const about = view.about;
		const parts = [this.store.meta.about ?? "", this.store.meta.command];

		if (about)
			parts.unshift(`${about.ends[0]} → ${about.ends[1]}` +
				(about.opened === undefined ? "" : `, ${t("opened")}: ${about.opened}, ${t("closed")}: ${about.closed ?? ""}`));
		return parts.filter((part) => part !== "").join(" · ");
	}

	private choices(): void {
		const all = this.store.connections();

		if (this.conn < 0 || (this.conn > 0 && !all.includes(this.conn)))
			this.conn = all[0] ?? 0;
		const wanted = all.length > 1 && this.store.meta.source !== "capture" && this.store.meta.source !== "captures" ? [...all, 0] : all;
		if (this.connection.options.length !== wanted.length)
			this.connection.replaceChildren(...wanted.map((conn) => {
				const about = this.store.connectionAbout(conn);
				return el("option", { value: String(conn) }, conn === 0 ? t("all") : about ? `#${conn} ${about.ends[0]} → ${about.ends[1]}` : `${t("connection")} ${conn}`);
			}));
		this.connection.value = String(this.conn);
		this.connection.hidden = wanted.length < 2;
	}

	private moved(at: number): void {
		const view = this.view();

		this.states.show(view, at);
		this.inspector.show(view, at);
	}

	/* page.html#n=12: on segment 12. */
	private fromHash(): void {
		const found = /^#n=(\d+)$/.exec(location.hash);
		const rung = found ? this.view().rungs.find((it) => it.n === Number(found[1])) : undefined;

		if (rung)
			this.cursor.set(Math.max(0, rung.sent));
	}
}

export function mountPage(root: HTMLElement, store: Store): Page {
	setLanguage(store.meta.lang);
	document.documentElement.lang = store.meta.lang === "zh" ? "zh-CN" : "en";
	return new Shell(root, store);
}
