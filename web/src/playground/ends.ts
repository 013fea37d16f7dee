/* The two hosts: what their programs can do now, and how they stand. */

import { el, octets, span } from "../format";
import type { EndStatus } from "./door";
import type { Run } from "./run";
import { w, type Word } from "./words";

const SIZES = [1, 100, 1448, 10000, 100000, 1000000, 10000000];
const CONTROLLERS = ["cubic", "reno", "bbr", "dctcp", "prague"];

interface Deed {
	button: HTMLButtonElement;
	action: () => string;
}

export class End {
	readonly root: HTMLElement;
	private readonly state = el("strong", { class: "pg-state", role: "status" });
	private readonly figures = el("dl", { class: "pg-figures" });
	private readonly deeds: Deed[] = [];
	private readonly size = el("select", { class: "pg-size" });
	private readonly cc = el("select", {});
	private readonly reads = el("input", { type: "checkbox" });
	private readonly nagle = el("input", { type: "checkbox" });
	private readonly listen: Deed;
	private readonly letter: string;
	private told = "";

	constructor(private readonly run: Run, private readonly side: 0 | 1, private readonly act: (action: string) => void) {
		const name = side === 0 ? "client" : "server";

		this.letter = name[0]!;
		this.listen = this.deed("listen", "listenHint", () => this.now.listens ? "listen.0" : "listen.1");
		for (const size of SIZES)
			this.size.append(el("option", { value: String(size) }, octets(size)));
		this.size.value = "10000";
		this.size.setAttribute("aria-label", w("octets"));
		for (const controller of CONTROLLERS)
			this.cc.append(el("option", { value: controller }, controller));
		this.cc.addEventListener("change", () => this.tell(`cc.${this.cc.value}`));
		this.reads.addEventListener("change", () => this.tell(`read.${this.reads.checked ? 1 : 0}`));
		this.nagle.addEventListener("change", () => this.tell(`nodelay.${this.nagle.checked ? 0 : 1}`));
		const send = this.deed("send", undefined, () => `send.${this.size.value}`);
		this.root = el("section", { class: `pg-end pg-${name}`, "aria-label": w(name) },
			el("h2", {}, w(name)), this.state,
			el("div", { class: "pg-deeds" }, this.listen.button,
				this.deed("open", "openHint", () => "open").button,
				el("span", { class: "pg-joined" }, send.button, this.size),
				this.deed("shutdown", "shutdownHint", () => "shutdown").button,
				this.deed("close", "closeHint", () => "close").button,
				this.deed("abort", "abortHint", () => "abort", "pg-danger").button),
			el("div", { class: "pg-switches" }, el("label", {}, this.reads, ` ${w("reads")}`),
				el("label", {}, this.nagle, ` ${w("nagle")}`),
				el("label", {}, `${w("cc")} `, this.cc)),
			this.figures);
		this.draw();
	}

	private get now(): EndStatus {
		return this.run.status.ends[this.side];
	}

	private tell(what: string): void {
		this.act(`${this.letter}.${what}`);
	}

	private deed(word: Word, hint: Word | undefined, action: () => string, kind = ""): Deed {
		const button = el("button", { type: "button", "data-deed": word });

		button.textContent = w(word);
		if (kind !== "")
			button.className = kind;
		if (hint)
			button.title = w(hint);
		button.addEventListener("click", () => this.tell(action()));
		const deed = { button, action };
		this.deeds.push(deed);
		return deed;
	}

	draw(): void {
		const now = this.now;

		if (this.state.textContent !== now.state) {
			this.state.textContent = now.state;
			this.state.dataset["state"] = now.state;
		}
		for (const { button, action } of this.deeds)
			button.disabled = !this.run.door.may(`${this.letter}.${action()}`);
		this.listen.button.textContent = w(now.listens ? "deaf" : "listen");
		this.reads.checked = now.reads;
		this.nagle.checked = !now.nodelay;
		if (document.activeElement !== this.cc)
			this.cc.value = now.cc;
		const some = (n: number, show: (n: number) => string): string => n > 0 ? show(n) : "–";
		const rows: [string, string, number][] = [
			[w("sent"), octets(now.sent), now.sent], [w("received"), octets(now.received), now.received],
			[w("toSend"), octets(now.left + now.unsent), now.left + now.unsent],
			[w("unacked"), octets(now.unacked), now.unacked], [w("unread"), octets(now.unread), now.unread],
			[w("cwnd"), some(now.cwnd, octets), now.cwnd], ["SRTT", some(now.srtt, span), now.srtt],
			[w("rto"), some(now.rto, span), now.rto],
		];
		const told = rows.join();
		if (told === this.told)
			return;
		this.told = told;
		this.figures.replaceChildren(...rows.flatMap(([name, value, exact]) =>
			[el("dt", {}, name), el("dd", { "data-exact": String(exact) }, value)]));
	}
}
