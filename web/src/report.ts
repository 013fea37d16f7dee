/* The report: a page with its events inside, as lines or, where they are many, deflated and in base64. */

import { el } from "./format";
import { parseLines, type Meta } from "./model";
import { mountPage } from "./page";
import { Store } from "./store";
import { setLanguage, t } from "./words";

function embedded(id: string): HTMLElement | null {
	return document.getElementById(id);
}

/* atob() makes characters of octets, a slice at a time: the whole of it need not be there twice. */
function octetsOf(text: string): Uint8Array<ArrayBuffer> {
	const whole = text.replace(/\s+/g, ""), made = new Uint8Array(Math.floor(whole.length * 3 / 4));
	let n = 0;

	for (let from = 0; from < whole.length; from += 1 << 16) {
		const part = atob(whole.slice(from, from + (1 << 16)));
		for (let i = 0; i < part.length; i++)
			made[n++] = part.charCodeAt(i);
	}
	return made.subarray(0, n);
}

async function inflated(text: string): Promise<string> {
	const stream = new Blob([octetsOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));

	return new Response(stream).text();
}

/* What is shown where scripts are off, for a browser that cannot inflate: its own escaped text, and nothing else of it. */
function showStatic(root: HTMLElement, why: string): void {
	const still = new DOMParser().parseFromString(document.querySelector("noscript")?.textContent ?? "", "text/html");
	const ladder = still.querySelector("pre")?.textContent ?? "";

	root.replaceChildren(el("div", { class: "static" }, el("h1", {}, document.title), el("p", { role: "alert" }, why),
		el("pre", { tabindex: "0" }, ladder)));
}

function mount(root: HTMLElement, meta: Meta, lines: string): void {
	const store = new Store(meta), { events, broken } = parseLines(lines);

	store.broken = broken;
	store.append(events);
	mountPage(root, store);
}

function main(): void {
	const meta = JSON.parse(embedded("tern-meta")?.textContent ?? "{}") as Meta;
	const root = embedded("tern-page") ?? document.body, data = embedded("tern-events");

	setLanguage(meta.lang);
	if (data?.dataset["encoding"] !== "deflate") {
		mount(root, meta, data?.textContent ?? "");
		return;
	}
	if (typeof DecompressionStream !== "function") {
		showStatic(root, t("cannotInflate"));
		return;
	}
	root.replaceChildren(el("p", { class: "none", role: "status" }, t("opening")));
	inflated(data.textContent ?? "").then((lines) => mount(root, meta, lines),
		(error: unknown) => showStatic(root, `${t("damaged")} (${String(error)})`));
}

main();
