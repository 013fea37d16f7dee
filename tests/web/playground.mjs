// The playground in headless Chromium, as somebody at it would use it. Nothing here waits for a wall clock's figure:
// what is waited for is a state, with a generous bound.
//
// usage: node playground.mjs TERN DIRECTORY [PICTURES]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { launch, openTab } from './browser.mjs';

const [tern, directory, pictures] = process.argv.slice(2);
const file = join(directory, 'playground.html');
const LONG = { timeout: 300000 };
const tests = [];
const test = (name, run) => tests.push({ name, run });

execFileSync(tern, ['report', '--playground', '--lang', 'en', '-o', file]);
const address = `file://${file}`;
const browser = await launch();

class Player {
	static async open(hash = '', { width = 1280, height = 900, scheme = 'light' } = {}) {
		const player = new Player();

		const { tab, wrong } = await openTab(browser);
		player.page = tab;
		player.wrong = wrong;
		await player.page.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
		await player.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
		await player.page.goto(address + hash, LONG);
		await player.page.waitForSelector('.pg-clock', LONG);
		return player;
	}

	async close() {
		await this.page.close();
		assert.deepEqual(this.wrong, [], 'the console is quiet');
	}

	state(end) {
		return this.page.$eval(`.pg-${end} .pg-state`, (element) => element.textContent);
	}

	async deed(end, what) {
		await this.page.click(`.pg-${end} [data-deed=${what}]`);
	}

	bar(what) {
		return this.page.click(`.pg-bar [data-bar=${what}]`);
	}

	size(end, octets) {
		return this.page.select(`.pg-${end} .pg-size`, String(octets));
	}

	// Steps until it holds: virtual time alone moves, whatever the machine is doing.
	async until(holds, what, steps = 400) {
		for (let i = 0; i < steps; i++) {
			if (await holds())
				return;
			await this.bar('step');
		}
		assert.fail(`${what} did not come in ${steps} steps`);
	}

	async reach(client, server) {
		await this.until(async () => await this.state('client') === client && await this.state('server') === server,
			`${client} and ${server}`);
	}

	figure(end, name) {
		return this.page.$eval(`.pg-${end} .pg-figures`, (list, wanted) => {
			for (const term of list.querySelectorAll('dt'))
				if (term.textContent === wanted)
					return term.nextElementSibling.dataset.exact;
			return null;
		}, name);
	}

	flying() {
		return this.page.$$eval('.pg-pill', (pills) => pills.map((pill) => Number(pill.dataset.n)));
	}

	choose(n) {
		return this.page.$eval(`.pg-pill[data-n="${n}"]`, (pill) => pill.click());
	}

	async shared() {
		await this.bar('share');
		return this.page.$eval('.pg-link', (input) => input.value);
	}

	clock() {
		return this.page.$eval('.pg-clock', (output) => output.textContent);
	}

	banner() {
		return this.page.$eval('.pg-banner', (element) => element.textContent);
	}

	slide(what, value) {
		return this.page.$eval(`[data-slider=${what}]`, (slider, to) => {
			slider.value = String(to);
			slider.dispatchEvent(new Event('input', { bubbles: true }));
			slider.dispatchEvent(new Event('change', { bubbles: true }));
		}, value);
	}

	async opened() {
		await this.deed('client', 'open');
		await this.reach('ESTABLISHED', 'ESTABLISHED');
	}
}

function replay(link, ...options) {
	return execFileSync(tern, ['replay', '--playground', link, ...options], { encoding: 'utf8', maxBuffer: 1 << 26,
		stdio: ['ignore', 'pipe', 'pipe'] });
}

const events = (link) => replay(link, '--json').trim().split('\n').map((line) => JSON.parse(line));

test('a whole connection, to both CLOSED', async () => {
	const player = await Player.open();

	assert.deepEqual([await player.state('client'), await player.state('server')], ['CLOSED', 'LISTEN']);
	await player.opened();
	await player.size('client', 10000);
	await player.deed('client', 'send');
	await player.until(async () => await player.figure('server', 'received') === '10000', 'all octets');
	await player.deed('client', 'shutdown');
	await player.reach('FIN-WAIT-2', 'CLOSE-WAIT');
	await player.size('server', 1448);
	await player.deed('server', 'send'); // half-closed
	await player.until(async () => await player.figure('client', 'received') === '1448', 'the other direction');
	await player.deed('server', 'close');
	await player.deed('server', 'listen'); // no more
	await player.reach('TIME-WAIT', 'CLOSED');
	await player.reach('CLOSED', 'CLOSED');
	assert.equal(await player.page.$eval('[data-bar=step]', (button) => button.disabled), true);
	const rows = await player.page.$$eval('.ladder .row', (all) => all.length);
	assert.ok(rows > 10, `the ladder has ${rows} rows`);
	await player.close();
});

test('what is dropped comes again', async () => {
	const player = await Player.open();

	await player.opened();
	await player.size('client', 1448);
	await player.deed('client', 'send');
	const [n] = await player.flying();
	await player.choose(n);
	await player.page.click('.pg-chosen .pg-danger');
	assert.equal(await player.page.$eval(`.pg-pill[data-n="${n}"]`, (pill) => pill.classList.contains('pg-gone')), true);
	await player.until(async () => await player.figure('server', 'received') === '1448', 'what was dropped');
	const link = await player.shared();
	const all = events(link);
	assert.equal(all.find((event) => event.ev === 'fate').fate, 'dropped');
	assert.equal(all.filter((event) => event.n === n && event.dir === 'rx').length, 0);
	assert.equal(all.filter((event) => event.again_of === n).length, 1);
	assert.match(replay(link), /identical\n$/);
	await player.close();
});

test('what is held waits, by keyboard', async () => {
	const player = await Player.open();

	await player.opened();
	await player.size('client', 100);
	await player.deed('client', 'send');
	const [n] = await player.flying();
	await player.page.focus(`.pg-pill[data-n="${n}"]`);
	await player.page.keyboard.press('h');
	assert.equal(await player.page.$eval(`.pg-pill[data-n="${n}"]`, (pill) => pill.classList.contains('pg-held')), true);
	await player.bar('step');
	assert.equal(await player.figure('server', 'received'), '0');
	await player.page.focus(`.pg-pill[data-n="${n}"]`);
	await player.page.keyboard.press('h');
	assert.equal(await player.figure('server', 'received'), '100');
	await player.close();
});

test('an abort is a reset, and the other end is over too', async () => {
	const player = await Player.open();

	await player.opened();
	await player.size('server', 10000);
	await player.deed('server', 'send');
	await player.deed('client', 'abort');
	assert.equal(await player.state('client'), 'CLOSED');
	await player.until(async () => await player.state('server') === 'LISTEN', 'the reset');
	const sent = events(await player.shared()).filter((event) => event.dir === 'tx' && /R/.test(event.flags));
	assert.ok(sent.length >= 1 && sent[0].host === 'client', JSON.stringify(sent));
	await player.close();
});

test('a slow path takes its time, in the direction that is slow', async () => {
	const player = await Player.open();

	await player.slide('delay', 3); // 5 ms, both
	await player.page.select('.pg-path select', 'c');
	await player.slide('delay', 12); // 1 s, to the server
	await player.opened();
	const all = events(await player.shared());
	const took = (flags) => {
		const sent = all.find((event) => event.dir === 'tx' && event.flags === flags);
		return (all.find((event) => event.dir === 'rx' && event.n === sent.n).t - sent.t) / 1e6;
	};
	assert.deepEqual([took('S'), took('SA')], [1000, 5]);
	await player.close();
});

test('time runs by itself, and stops', async () => {
	const player = await Player.open();

	await player.page.select('[data-bar=speed]', '1000000000');
	await player.bar('play');
	await player.deed('client', 'open');
	await player.page.waitForFunction(() => document.querySelector('.pg-client .pg-state').textContent === 'ESTABLISHED', LONG);
	await player.bar('play');
	const stood = await player.clock();
	await new Promise((done) => setTimeout(done, 300));
	assert.equal(await player.clock(), stood);
	await player.close();
});

test('a link brings the identical run, here and in the command', async () => {
	const player = await Player.open();

	await player.slide('loss', 6); // 10 %
	await player.page.select('.pg-client .pg-switches select', 'bbr');
	await player.opened();
	await player.size('client', 100000);
	await player.deed('client', 'send');
	await player.until(async () => await player.figure('server', 'received') === '100000', 'all octets', 2000);
	await player.deed('client', 'close');
	await player.bar('step');
	const link = await player.shared(), clock = await player.clock();
	// The last that are in view: which is the first of them hangs on a pixel.
	const seen = await player.page.$$eval('.ladder .row', (rows) => rows.map((row) => row.textContent).slice(-40).join('\n'));
	assert.equal(seen.split('\n').length, 40);
	assert.match(link, /#tern1,seed=1,.*\.w\.loss\.1000,.*\.c\.cc\.bbr,.*\.c\.open,.*,to=\d+,sum=[0-9a-f]{16}$/);
	await player.page.reload(LONG);
	await player.page.waitForSelector('.pg-banner[data-kind=good]', LONG);
	assert.match(await player.banner(), /identical/);
	assert.equal(await player.clock(), clock);
	await player.page.waitForFunction((text) => [...document.querySelectorAll('.ladder .row')].map((row) => row.textContent)
		.slice(-40).join('\n') === text, LONG, seen);
	assert.equal(await player.shared(), link);
	assert.match(replay(link), /identical\n$/);
	const again = await Player.open(link.slice(link.indexOf('#')).replace('.c.send.100000', '.c.send.99999'));
	assert.match(await again.banner(), /Not the shared run/);
	await again.close();
	await player.close();
});

test('in Chinese, and small enough', async () => {
	execFileSync(tern, ['report', '--playground', '--lang', 'zh', '-o', file]);
	assert.ok(statSync(file).size < 1.5e6, `${statSync(file).size} bytes`);
	const player = await Player.open();
	assert.equal(await player.page.$eval('[data-bar=step]', (button) => button.textContent), '单步');
	assert.equal(await player.page.evaluate(() => document.documentElement.lang), 'zh-CN');
	await player.close();
	execFileSync(tern, ['report', '--playground', '--lang', 'en', '-o', file]);
});

test('a link that is none is told, and a run begins', async () => {
	const player = await Player.open('#tern1,0.c.opens');

	assert.match(await player.banner(), /no run: at 10: no such action/);
	await player.opened();
	await player.close();
});

test('nothing on the wire lies on anything else', async () => {
	for (const [width, height] of [[1280, 900], [390, 844]]) {
		const player = await Player.open('#tern1,seed=1,0.w.delay.40000,0.s.listen.1,0.c.open,100000.c.send.4000000,to=430000', { width, height });
		let most = 0;

		for (let i = 0; i < 12; i++) {
			const found = await player.page.$$eval('.pg-pill:not([hidden])', (all) => all.map((pill) => {
				const at = pill.getBoundingClientRect();
				return [pill.dataset.n, at.left, at.right, at.top, at.bottom];
			}));
			const wire = await player.page.$eval('.pg-wire', (element) => {
				const at = element.getBoundingClientRect();
				return [at.left, at.right, at.top, at.bottom];
			});
			most = Math.max(most, found.length);
			for (const [a, left, right, top, bottom] of found) {
				assert.ok(left >= wire[0] - 1 && right <= wire[1] + 1 && top >= wire[2] - 1 && bottom <= wire[3] + 1, `${a} stands out`);
				for (const [b, left2, right2, top2, bottom2] of found)
					assert.ok(a === b || left >= right2 - 0.5 || left2 >= right - 0.5 || top >= bottom2 - 0.5 || top2 >= bottom - 0.5,
						`${width}: ${a} lies on ${b}`);
			}
			await player.bar('step');
		}
		assert.ok(most >= 8, `only ${most} were ever seen`);
		if (pictures)
			await player.page.screenshot({ path: `${pictures}/wire-${width}.png` });
		await player.close();
	}
});

test('words can be read: contrast of WCAG AA', async () => {
	for (const scheme of ['light', 'dark']) {
		const player = await Player.open('', { scheme });
		const poor = await player.page.evaluate(() => {
			const style = getComputedStyle(document.documentElement), canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
			const light = (name) => {
				canvas.fillStyle = style.getPropertyValue(name);
				canvas.fillRect(0, 0, 1, 1);
				const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((it) => it / 255)
					.map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
			const found = [];
			for (const ground of ['--paper', '--panel', '--chosen', '--related'])
				for (const ink of ['--ink', '--soft', '--a', '--b', '--lost', '--again', '--good', '--accent'])
					if (ratio(ink, ground) < 4.5)
						found.push(`${ink} on ${ground}: ${ratio(ink, ground).toFixed(2)}`);
			return found;
		});
		assert.deepEqual(poor, [], scheme);
		await player.close();
	}
});

test('it fits, light and dark, phone and desktop', async () => {
	const link = '#tern1,seed=1,0.w.delay.40000,0.s.listen.1,0.c.open,100000.c.send.10000,to=150000';

	for (const [width, height] of [[1280, 900], [390, 844]])
		for (const scheme of ['light', 'dark']) {
			const player = await Player.open(link, { width, height, scheme });
			const wide = await player.page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(wide <= width, `${wide} of ${width} pixels`);
			const cut = await player.page.$$eval('.pg button, .pg select', (all) => all.filter((element) => {
				const at = element.getBoundingClientRect();
				return !element.classList.contains('pg-pill') && at.width > 0 && (at.right > innerWidth || at.left < 0);
			}).map((element) => element.textContent));
			assert.deepEqual(cut, []);
			if (pictures)
				await player.page.screenshot({ path: `${pictures}/playground-${width}-${scheme}.png`, fullPage: true });
			await player.close();
		}
});

let failed = 0;
try {
	for (const { name, run } of tests) {
		try {
			await run();
			console.log(`ok: ${name}`);
		} catch (error) {
			failed++;
			console.log(`FAILED: ${name}: ${error.stack}`);
		}
	}
} finally {
	await browser.close();
}
console.log(`${tests.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
