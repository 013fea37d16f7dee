/* The report's page in a browser: usage: node report.mjs TERN DIRECTORY [SHOTS]. Pages are made in DIRECTORY; with SHOTS
 * pictures are kept there, to be looked at. */

import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { Checks, launch, openTab } from "./browser.mjs";

const [tern, directory, shots] = process.argv.slice(2);
const checks = new Checks(), check = (...all) => checks.check(...all);
const LIMIT = 1.5e6;

function make(name, ...args) {
	execFileSync(tern, ["report", ...args, "-o", `${directory}/${name}.html`], { timeout: 300000, stdio: ["ignore", "ignore", "inherit"] });
	return `${directory}/${name}.html`;
}

const text = (tab, where) => tab.$eval(where, (element) => element.textContent);
const count = (tab, where) => tab.$$eval(where, (all) => all.length);
const rows = (tab) => tab.$$eval(".row", (all) => all.map((row) => row.textContent));
const chosen = (tab) => tab.$eval(".row.is-chosen", (row) => row.getAttribute("aria-label"));
const settle = (tab) => tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

async function press(tab, ...keys) {
	for (const key of keys)
		await tab.keyboard.press(key);
	await settle(tab);
}

async function filterBy(tab, query) {
	await tab.$eval(".filter input", (input, value) => {
		input.value = value;
		input.dispatchEvent(new Event("input"));
	}, query);
	await settle(tab);
}

async function shot(tab, name) {
	if (shots)
		await tab.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}

/* Whether something was drawn on a canvas: not all of it is the same. */
const drawn = (tab, plot) => tab.$eval(`.plot-${plot} canvas`, (canvas) => {
	const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
	copy.drawImage(canvas, 0, 0);
	return new Set(new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
});

async function open(browser, file, width = 1280, height = 900, scheme = "light") {
	const { tab, wrong } = await openTab(browser);

	await tab.setViewport({ width, height });
	await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
	await tab.goto(`file://${file}`);
	await settle(tab);
	return { tab, wrong };
}

async function aRun(browser) {
	const file = make("run", "lab", "retransmission", "--loss", "5%");
	const { tab, wrong } = await open(browser, file);

	check("size of a run", statSync(file).size < LIMIT, statSync(file).size);
	check("title", (await text(tab, "h1")).startsWith("retransmission: "));
	check("rows", (await count(tab, ".row")) > 20);
	check("the SYN", (await rows(tab)).some((row) => row.includes("1 SYN · 0")));
	check("arrows", (await count(tab, ".arrow")) > 10);
	check("a lost one ends in a cross", (await count(tab, ".cross")) >= 1);

	/* stepping */
	await press(tab, "Home");
	const first = await chosen(tab);
	await press(tab, "n", "n");
	check("n goes to segment 2", (await chosen(tab)).includes("2 SYN"), await chosen(tab));
	check("its words", /SYN/.test(await text(tab, ".inspector .say")));
	check("its bytes", (await count(tab, ".dump span")) >= 60, await count(tab, ".dump span"));
	check("as on the wire", (await text(tab, ".how")).startsWith("As it was on the wire"));
	check("a field", (await tab.$$eval(".inspector tr", (all) => all.map((row) => row.textContent))).includes("protocol6TCP"));
	await press(tab, "p", "p", "Home");
	check("and back", (await chosen(tab)) === first);
	await press(tab, "r");
	check("r goes to trouble", /dropped|lost|again/.test(await chosen(tab)), await chosen(tab));
	await press(tab, "s");
	const states = await text(tab, ".states-words");
	check("states at the cursor", /client ESTABLISHED.*server/.test(states.replace(/\s+/g, " ")), states);
	check("the picture has a token for each", (await count(tab, ".state.here0")) === 1 && (await count(tab, ".state.here1")) === 1);
	await press(tab, "End");
	check("both end", /CLOSED|TIME-WAIT/.test(await text(tab, ".states-words")));

	/* filter, folding, timers */
	await filterBy(tab, "flags:S");
	check("filter by flag", (await rows(tab)).length === 4, await rows(tab));
	await filterBy(tab, "lost client");
	check("filter by loss", (await rows(tab)).every((row) => /dropped|lost/.test(row)) && (await count(tab, ".row")) > 0, await rows(tab));
	await filterBy(tab, "nothing-has-this-word");
	check("filter that nothing matches", (await count(tab, ".row")) === 0 && (await count(tab, ".none")) === 1);
	await filterBy(tab, "");
	const before = (await text(tab, ".ladder-space").catch(() => "")).length;
	await tab.click('.toolbar input[type="checkbox"]');
	await settle(tab);
	await filterBy(tab, "timer retransmit");
	check("timers on demand", (await count(tab, ".row.ev-timer")) > 0 && before > 0);
	await filterBy(tab, "");

	/* plots */
	for (const plot of ["sequence", "window", "rtt"])
		check(`plot of ${plot}`, (await drawn(tab, plot)) > 3, await drawn(tab, plot));
	check("legend at the cursor", /acknowledged [\d\s\u202f]+/.test(await text(tab, ".plot-sequence .plot-legend")));
	const whole = await tab.$eval(".plot-sequence canvas", (canvas) => canvas.toDataURL());
	await press(tab, "Home", "+", "+");
	const near = await tab.$eval(".plot-sequence canvas", (canvas) => canvas.toDataURL());
	check("zoom", whole !== near);
	await tab.select(".plots-head select:nth-of-type(2)", "stevens");
	check("Stevens", near !== await tab.$eval(".plot-sequence canvas", (canvas) => canvas.toDataURL()));
	await press(tab, "0");
	await (await tab.$(".plot-sequence canvas")).click();
	await settle(tab);
	check("a click in a plot moves the cursor", (await chosen(tab)) !== first, await chosen(tab));

	/* playing, theme, help */
	await press(tab, "Home", "Space");
	await tab.waitForFunction((begin) => document.querySelector(".row.is-chosen")?.getAttribute("aria-label") !== begin, {}, first);
	await press(tab, "Space");
	check("plays", (await chosen(tab)) !== first);
	const paper = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = await paper();
	await press(tab, "d");
	check("dark by a key", (await paper()) !== light);
	await press(tab, "d");
	check("and light again", (await paper()) === light);
	await press(tab, "?");
	check("help", await tab.$eval("dialog", (dialog) => dialog.open));
	check("ARIA: what is chosen is named", await tab.$eval(".ladder", (list) =>
		document.getElementById(list.getAttribute("aria-activedescendant"))?.classList.contains("is-chosen") ?? false));
	await tab.emulateMediaType("print");
	check("prints without its controls", await tab.$eval(".toolbar", (bar) => getComputedStyle(bar).display === "none"));
	await tab.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
	await settle(tab);
	const [ladderEnds, statesBegin] = await tab.evaluate(() => [document.querySelector(".ladder-space").getBoundingClientRect().bottom,
		document.querySelector(".states").getBoundingClientRect().top]);
	check("on paper nothing lies on anything else", ladderEnds <= statesBegin, [ladderEnds, statesBegin]);
	check("and the whole ladder is there", (await rows(tab)).some((row) => row.includes("31 ACK")), await rows(tab));
	check("nothing went wrong", wrong.length === 0, wrong);
	await tab.close();
}

async function sizes(browser) {
	for (const [width, height, scheme] of [[1280, 900, "light"], [1280, 900, "dark"], [390, 844, "light"], [390, 844, "dark"]]) {
		const { tab, wrong } = await open(browser, `${directory}/run.html`, width, height, scheme);
		const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
		const dark = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor) === "rgb(20, 23, 26)";

		await press(tab, "n", "n", "n", "n", "n", "n");
		check(`${width} ${scheme}: nothing is wider than the window`, wide <= width, wide);
		check(`${width} ${scheme}: as the system asks`, dark === (scheme === "dark"));
		check(`${width} ${scheme}: nothing went wrong`, wrong.length === 0, wrong);
		await shot(tab, `run-${width}-${scheme}`);
		await tab.close();
	}
}

async function sources(browser) {
	const record = `${directory}/run.tern`, lines = `${directory}/run.jsonl`;

	execFileSync(tern, ["record", "-o", record, "lab", "lost-fin"], { stdio: "ignore", timeout: 300000 });
	writeFileSync(lines, execFileSync(tern, ["lab", "lost-fin", "--json"], { timeout: 300000 }));
	const sent = readFileSync(lines, "utf8").split("\n").filter((line) => line.includes('"dir":"tx"')).length;
	for (const [name, file] of [["record", make("record", record)], ["json", make("json", lines)], ["zh", make("zh", record, "--lang", "zh")]]) {
		const { tab, wrong } = await open(browser, file);
		const counted = await text(tab, ".count");

		check(`${name}: as many segments as the run sent`, counted.startsWith(`${sent} `), [counted, sent]);
		await filterBy(tab, "lost");
		check(`${name}: what was lost`, (await count(tab, ".row")) > 0);
		check(`${name}: nothing went wrong`, wrong.length === 0, wrong);
		if (name === "zh")
			check("Chinese words", (await text(tab, ".states h2")) === "两端的状态");
		await tab.close();
	}
}

/* A capture of Ethernet, IPv4: what a list of segments makes. */
function pcap(segments) {
	const head = Buffer.alloc(24), parts = [head];

	head.writeUInt32LE(0xa1b2c3d4, 0);
	head.writeUInt16LE(2, 4);
	head.writeUInt16LE(4, 6);
	head.writeUInt32LE(262144, 16);
	head.writeUInt32LE(101, 20);
	for (const { at, from, flags, seq, ack, len = 0 } of segments) {
		const packet = Buffer.alloc(16 + 40 + len), ip = packet.subarray(16), tcp = packet.subarray(36);
		packet.writeUInt32LE(Math.floor(at / 1000), 0);
		packet.writeUInt32LE((at % 1000) * 1000, 4);
		packet.writeUInt32LE(40 + len, 8);
		packet.writeUInt32LE(40 + len, 12);
		ip[0] = 0x45;
		ip.writeUInt16BE(40 + len, 2);
		ip[8] = 64;
		ip[9] = 6;
		ip.set(from === 0 ? [10, 0, 0, 1, 10, 0, 0, 2] : [10, 0, 0, 2, 10, 0, 0, 1], 12);
		tcp.writeUInt16BE(from === 0 ? 40000 : 80, 0);
		tcp.writeUInt16BE(from === 0 ? 80 : 40000, 2);
		tcp.writeUInt32BE(seq, 4);
		tcp.writeUInt32BE(ack, 8);
		tcp[12] = 0x50;
		tcp[13] = flags;
		tcp.writeUInt16BE(65535, 14);
		parts.push(packet);
	}
	return Buffer.concat(parts);
}

const FIN = 1, SYN = 2, ACK = 16;

/* 10,000 segments, a minute's silence among them. */
async function large(browser) {
	const segments = [{ at: 0, from: 0, flags: SYN, seq: 100, ack: 0 }, { at: 10, from: 1, flags: SYN | ACK, seq: 500, ack: 101 },
		{ at: 20, from: 0, flags: ACK, seq: 101, ack: 501 }];
	let seq = 101, at = 30;

	for (let i = 0; i < 6666; i++, seq += 10) {
		at += i === 4000 ? 60000 : 1;
		segments.push({ at, from: 0, flags: ACK, seq, ack: 501, len: 10 });
		if (i % 2 === 1)
			segments.push({ at, from: 1, flags: ACK, seq: 501, ack: seq + 10 });
	}
	segments.push({ at: at + 5, from: 0, flags: FIN | ACK, seq, ack: 501 });
	writeFileSync(`${directory}/large.pcap`, pcap(segments));
	const file = make("large", `${directory}/large.pcap`);
	const { tab, wrong } = await open(browser, file);

	check("10,000 segments are all there", (await text(tab, ".count")).startsWith("10\u202f003 "), await text(tab, ".count"));
	check("few of them are elements", (await count(tab, ".row")) < 120, await count(tab, ".row"));
	check("repetition is folded", (await count(tab, ".row.fold")) >= 1);
	check("silence is shown", (await rows(tab)).some((row) => row.includes("nothing for")), await rows(tab));
	await tab.click(".row.fold");
	await settle(tab);
	check("a fold opens", (await tab.$eval(".ladder-space", (space) => space.clientHeight)) > 26 * 1000);
	check("and still few are elements", (await count(tab, ".row")) < 120, await count(tab, ".row"));
	await press(tab, "End");
	check("the last one is in sight", (await rows(tab)).some((row) => /10003 FIN/.test(row)) && /fin-arrived/.test(await chosen(tab)), await chosen(tab));
	check("inferred is told apart", /\(|\[/.test(await text(tab, ".states-words")), await text(tab, ".states-words"));
	check("nothing went wrong", wrong.length === 0, wrong);
	await shot(tab, "large");
	await tab.close();
}

/* Where segments are not in the page, no round trip and nothing in flight is made up. */
async function gaps() {
	const made = await build({ entryPoints: ["src/series.ts"], bundle: true, write: false, format: "esm" });
	const { plotted } = await import(`data:text/javascript;base64,${Buffer.from(made.outputFiles[0].text).toString("base64")}`);
	const segment = { ev: "segment", flags: "A", seq: 0, ack: 0, wnd: 1000, opts: {} };
	const sent = (t, rseq) => ({ ...segment, t, dir: "tx", rseq, rack: 1, len: 10 }), heard = (t, rack) => ({ ...segment, t, dir: "rx", rseq: 1, rack, len: 0 });
	const plot = (...events) => plotted({ series: [{}, {}], events, sides: events.map(() => 0), rungs: [], rungOf: events.map(() => null) }, 0);
	const whole = plot(sent(0, 1), heard(5, 11), sent(6, 11), heard(90, 21));
	const torn = plot(sent(0, 1), heard(5, 11), sent(6, 11), { ev: "folded", t: 7, until: 80, segments: 9 }, heard(90, 21), sent(91, 31), heard(99, 41));

	check("round trips of what is there", JSON.stringify(whole.rtt) === "[[5,5],[90,84]]", whole.rtt);
	check("none over a gap", JSON.stringify(torn.rtt) === "[[5,5],[99,8]]", torn.rtt);
	check("in flight, once both ends are known again", JSON.stringify(torn.flight) === "[[0,11],[5,0],[6,10],[91,20],[99,0]]", torn.flight);
}

/* A page whose events are deflated: its rows come when they are inflated. */
async function openLong(browser, file, before = () => {}) {
	const { tab, wrong } = await openTab(browser);

	await tab.setViewport({ width: 1280, height: 900 });
	await tab.evaluateOnNewDocument(before);
	await tab.goto(`file://${file}`);
	await tab.waitForSelector(".row, [role=alert]", { timeout: 300000 });
	await settle(tab);
	return { tab, wrong };
}

const isDeflated = (file) => /id="tern-events" data-encoding="deflate"/.test(readFileSync(file, "utf8"));

/* 10,000 segments of a lossy lab run, whole; and more than ten times as many, of which a page holds some. */
async function long(browser) {
	const file = make("long", "lab", "connection", "--bytes", "9000000", "--loss", "3%");

	if (!isDeflated(file)) {
		console.log("this tern was built without zlib: pages of long runs are not tried");
		return;
	}
	check("a long run's page is small", statSync(file).size < LIMIT, statSync(file).size);
	const { tab, wrong } = await openLong(browser, file);
	const counted = await text(tab, ".count"), sent = Number(/^[\d\s\u202f]+/.exec(counted)[0].replace(/\D/g, ""));
	check("all its segments", sent > 10000 && !/not kept/.test(counted), counted);
	await press(tab, "End");
	check("its end", /CLOSED|TIME-WAIT/.test(await text(tab, ".states-words")));
	await filterBy(tab, "lost client");
	check("its losses", (await count(tab, ".row")) > 20);
	await filterBy(tab, "");
	await press(tab, "Home", "r");
	check("steps to trouble", /lost/.test(await chosen(tab)), await chosen(tab));
	check("its plot", (await drawn(tab, "sequence")) > 3);
	check("nothing went wrong", wrong.length === 0, wrong);
	await shot(tab, "long");
	await tab.close();
	const lines = `${directory}/long.jsonl`;
	writeFileSync(lines, execFileSync(tern, ["lab", "connection", "--bytes", "9000000", "--loss", "3%", "--json"], { maxBuffer: 1 << 26 }));
	check("as many as the run sent", readFileSync(lines, "utf8").split("\n").filter((line) => line.includes('"dir":"tx"')).length === sent, sent);
	const other = await openLong(browser, make("long-lines", lines));
	check("lines too are deflated", (await text(other.tab, ".count")).startsWith(counted.slice(0, counted.indexOf(","))), [counted, await text(other.tab, ".count")]);
	await other.tab.close();
}

async function veryLong(browser) {
	const file = make("very-long", "lab", "connection", "--bytes", "64000000", "--loss", "1%");

	if (!isDeflated(file))
		return;
	check("100,000 segments are still a small page", statSync(file).size < LIMIT, statSync(file).size);
	const { tab, wrong } = await openLong(browser, file), counted = await text(tab, ".count");
	check("which says how many are not kept", /^9\d\u202f\d{3} .*not kept in this page/.test(counted), counted);
	check("few are elements", (await count(tab, ".row")) < 120);
	await press(tab, "End");
	check("its end is there", /CLOSED|TIME-WAIT/.test(await text(tab, ".states-words")));
	await press(tab, "Home", "s", "s");
	check("and its beginning", /SYN|ESTABLISHED/.test(await chosen(tab)), await chosen(tab));
	await filterBy(tab, "folded");
	check("what was left out is an event", (await count(tab, ".row.ev-folded")) > 10 && (await rows(tab)).some((row) => /segments, .*: not kept in this page/.test(row)));
	await filterBy(tab, "");
	check("nothing went wrong", wrong.length === 0, wrong);
	await shot(tab, "very-long");
	await tab.close();
}

/* A browser that cannot inflate, a page that was damaged, and one without scripts show the ladder as text. */
async function notInflated(browser) {
	const file = `${directory}/long.html`;

	if (!isDeflated(file))
		return;
	const old = await openLong(browser, file, () => { delete window.DecompressionStream; });
	check("what an old browser shows", /cannot inflate/.test(await text(old.tab, "[role=alert]")) && /SYN-SENT/.test(await text(old.tab, ".static pre")));
	check("it says no more", old.wrong.length === 0, old.wrong);
	await old.tab.close();
	const page = readFileSync(file, "utf8"), at = page.indexOf('data-encoding="deflate">') + 60000;
	writeFileSync(`${directory}/damaged.html`, `${page.slice(0, at)}AAAA${page.slice(at + 4)}`);
	const damaged = await openLong(browser, `${directory}/damaged.html`);
	check("a damaged page says so", /damaged/.test(await text(damaged.tab, "[role=alert]")) && /SYN-SENT/.test(await text(damaged.tab, ".static pre")));
	await damaged.tab.close();
	const { tab } = await openTab(browser);
	await tab.setJavaScriptEnabled(false);
	await tab.goto(`file://${file}`);
	const still = await tab.$eval("noscript", (element) => element.textContent);
	check("a long ladder where scripts are off", /SYN-SENT/.test(still) && /lines are left out here/.test(still) && /TIME-WAIT/.test(still));
	await tab.close();
}

/* What another program's lines hold is text, whatever it looks like. */
async function hostile(browser) {
	const evil = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>";
	const line = { v: 1, t: 0, host: "client", conn: 1, ev: "call", call: evil, say: evil, hdr: evil };

	writeFileSync(`${directory}/hostile.jsonl`, `${JSON.stringify(line)}\n{"v":1,</script>\n${JSON.stringify({ ...line, host: evil, t: 5 })}\n`);
	const file = make("hostile", `${directory}/hostile.jsonl`, "--title", `${evil}<!--tern:data-->`);
	const { tab, wrong } = await open(browser, file);

	check("hostile text is shown as text", (await rows(tab)).some((row) => row.includes("</script>")), await rows(tab));
	check("and does nothing", !(await tab.title()).startsWith("owned") && (await count(tab, "img")) === 0);
	check("one script and two blocks of data", (await count(tab, "script")) === 3, await count(tab, "script"));
	check("a broken line is counted", /1 lines could not be read/.test(await text(tab, ".count")), await text(tab, ".count"));
	await tab.evaluate(() => {
		const script = document.createElement("script");
		script.textContent = "document.title = 'owned'";
		document.body.append(script);
	});
	check("no script but the page's own runs", (await tab.title()) !== "owned");
	check("which the browser says", wrong.length > 0 && wrong.every((it) => /Content Security Policy/.test(it)), wrong);
	await tab.close();
}

/* A gateway tells of its own end alone: the guest's segments are seen when they come, and its states are not. */
async function oneEnd(browser) {
	const segment = { v: 1, host: "tern", conn: 1, ev: "segment", nth: 0, seq: 7, ack: 0, rseq: 0, rack: null, wnd: 65535, len: 0, opts: {} };
	const all = [{ ...segment, t: 0, dir: "rx", n: 1, flags: "S", verdict: "waiting" },
		{ v: 1, t: 0, host: "tern", conn: 1, ev: "state", from: "LISTEN", to: "SYN-RECEIVED", why: "", reason: "syn-arrived" },
		{ ...segment, t: 5e6, dir: "tx", n: 2, flags: "SA", ack: 8, rack: 1, role: "syn-ack", fate: null, arrives: null },
		{ v: 1, t: 6e6, host: "tern", conn: 1, ev: "folded", until: 9e6, segments: 500, octets: 70000, again: 0, lost: 0 },
		{ v: 1, ev: "connection", conn: 1, ends: ["10.0.2.100:5", "10.0.2.2:80"], left_out: 500 },
		{ v: 1, t: 1e7, host: "tern", conn: 1, ev: "status", state: "SYN-RECEIVED", waits: "syn-ack", who: "peer", well: false, say: "waits <for> the ACK" }];

	writeFileSync(`${directory}/one-end.jsonl`, all.map((line) => JSON.stringify(line)).join("\n"));
	const { tab, wrong } = await open(browser, make("one-end", `${directory}/one-end.jsonl`));
	check("the guest is at the left", (await text(tab, ".ladder-head")) === "guesttern", await text(tab, ".ladder-head"));
	check("what it sent has a label", (await text(tab, ".row .label.from0")).includes("1 SYN · 0"), await rows(tab));
	check("its states are not made up", /guest tells nothing of its states/.test(await text(tab, ".states-words")) &&
		(await count(tab, ".state.here0")) === 0 && (await count(tab, ".state.here1")) === 1, await text(tab, ".states-words"));
	check("what is not kept is said", (await rows(tab)).some((row) => /500 segments, 70\u202f000 B.*not kept/.test(row)), await rows(tab));
	await press(tab, "End");
	check("how it stands now", /now SYN-RECEIVED: waits <for> the ACK/.test(await chosen(tab)), await chosen(tab));
	check("nothing went wrong", wrong.length === 0, wrong);
	await tab.setJavaScriptEnabled(false);
	await tab.reload();
	const still = await tab.$eval("noscript", (element) => element.textContent);
	check("lines have a text too where scripts are off", /--> n 2 flags SA/.test(still) && /#1 10\.0\.2\.100:5 > 10\.0\.2\.2:80/.test(still) &&
		/500 segments, 70000 octets are not kept/.test(still), still);
	await tab.close();
}

async function withoutScripts(browser) {
	const { tab } = await openTab(browser);

	await tab.setJavaScriptEnabled(false);
	await tab.goto(`file://${directory}/run.html`);
	const ladder = await tab.$eval("noscript", (element) => element.textContent);
	check("a ladder where scripts are off", /SYN-SENT/.test(ladder) && /FIN/.test(ladder), ladder.slice(0, 200));
	await shot(tab, "static");
	await tab.close();
}

const browser = await launch();
try {
	for (const part of [gaps, aRun, sizes, sources, large, long, veryLong, notInflated, oneEnd, hostile, withoutScripts])
		await part(browser);
} catch (error) {
	check("the test ran to its end", false, String(error.stack));
} finally {
	await browser.close();
}
checks.end();
