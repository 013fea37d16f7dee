// Plays seeded sessions in the WebAssembly module, as somebody at the page would: acts, lets time pass by frames of
// any length, steps. Each is shared, started again from the share by other frames, and has to be the same.
//
// usage: node sessions.mjs MODULE FIRST N DIRECTORY
//
// Writes DIRECTORY/SEED.share and DIRECTORY/SEED.lines, for the native command to be held against; prints one line
// for each session, and exits with 1 where the module differs from itself.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Door } from './module.mjs';

const [path, first, n, directory] = process.argv.slice(2);
const SECOND = 1e9;

function random(seed) { // mulberry32
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

class Session {
	constructor(seed) {
		this.random = random(seed);
		this.door = new Door(path);
		this.numbers = [];
		this.held = [];
		this.lines = '';
	}

	pick(list) {
		return list[Math.floor(this.random() * list.length)];
	}

	upTo(n) {
		return Math.floor(this.random() * n);
	}

	// Between 1 and n, the small ones as likely as the large ones.
	size(n) {
		return Math.max(1, Math.floor(Math.exp(this.random() * Math.log(n))));
	}

	settings(seed) {
		const some = ['', '', ',sack=0', ',ts=0', ',ecn=1', ',ecn=2', ',ip=6', ',mtu=1280', ',buffer=4000', ',msl=1'];
		const chosen = new Set([this.pick(some), this.pick(some)]);

		if (chosen.has(',ip=6') && chosen.has(',mtu=1280'))
			chosen.delete(',mtu=1280');
		return `tern1,seed=${seed}${[...chosen].join('')}`;
	}

	action() {
		const end = this.pick(['c', 's']);
		const whose = this.pick(['c', 's', 'w']);
		const segment = this.numbers.length > 0 ? this.numbers[this.numbers.length - 1 - this.upTo(Math.min(8, this.numbers.length))] : 1;

		return this.pick([
			() => `${end}.listen.${this.upTo(2)}`, () => 's.listen.1', () => `${end}.open`, () => 'c.open', () => 'c.open',
			() => `${end}.send.${this.size(200000)}`, () => `${end}.send.${this.size(200000)}`,
			() => `${end}.send.${this.size(20000)}`, () => `${end}.read.${this.upTo(2)}`, () => `${end}.read.1`,
			() => this.ending(end),
			() => `${whose}.cc.${this.pick(['cubic', 'reno', 'bbr', 'dctcp', 'prague'])}`,
			() => `${whose}.nodelay.${this.upTo(2)}`, () => `${whose}.delay.${this.size(300000)}`,
			() => `${whose}.jitter.${this.size(20000)}`, () => `${whose}.loss.${this.upTo(1500)}`, () => `${whose}.loss.0`,
			() => `${whose}.duplicate.${this.upTo(1000)}`, () => `${whose}.corrupt.${this.upTo(300)}`,
			() => `${whose}.reorder.${this.upTo(1500)}`, () => `${whose}.rate.${10000 + this.size(1e7)}`,
			() => `${whose}.limit.${this.size(100)}`, () => `w.drop.${segment}`, () => `w.drop.${segment}`,
			() => `w.hold.${segment}`, () => `w.hold.${segment}`,
			() => `w.release.${this.held.pop() ?? segment}`,
		])();
	}

	// Seldom: else nothing lives long.
	ending(end) {
		const drawn = this.random();

		if (drawn > 0.4)
			return `${end}.send.${this.size(200000)}`;
		return `${end}.${drawn < 0.05 ? 'abort' : drawn < 0.2 ? 'close' : 'shutdown'}`;
	}

	hear() {
		const lines = this.door.lines();

		this.lines += lines;
		for (const line of lines.split('\n'))
			if (line.includes('"dir":"tx"'))
				this.numbers.push(JSON.parse(line).n);
	}

	pass() {
		const { door } = this;

		if (this.random() < 0.4 && door.next >= 0)
			door.run(door.next);
		else
			door.run(door.now + this.size(2 * SECOND));
		this.hear();
	}

	play(seed) {
		const begun = this.door.start(this.settings(seed));
		let done = 0;

		if (begun)
			throw new Error(`${seed}: ${begun}`);
		for (const action of ['w.delay.20000', 's.listen.1', 'c.open'])
			this.door.act(action);
		for (let turn = 0; turn < 60 && !this.door.status().problem; turn++) {
			for (let passes = 1 + this.upTo(6); passes > 0; passes--)
				this.pass();
			const action = this.action();
			const may = this.door.may(action);
			const refused = this.door.act(action);
			if (refused !== null && may && this.door.status().problem === null && !/^w\.(drop|hold|release)/.test(action))
				throw new Error(`${seed}: ${action} may be done, and was refused: ${refused}`);
			if (refused === null && action.startsWith('w.hold.'))
				this.held.push(Number(action.slice(7)));
			done += refused === null;
		}
		this.door.run(this.door.now + 5 * SECOND);
		this.share = this.door.share();
		this.hear();
		return done;
	}

	// The share again, by other frames.
	again() {
		const told = this.door.start(this.share);
		const to = Number(/,to=(\d+)/.exec(this.share)[1]) * 1000;
		let lines = '';

		if (told)
			throw new Error(`the share is refused: ${told}: ${this.share}`);
		while (this.door.now < to) {
			this.door.run(Math.min(to, this.door.now + this.size(3 * SECOND)));
			lines += this.door.lines();
			if (this.door.status().problem)
				break;
		}
		this.door.run(to);
		lines += this.door.lines();
		return { check: this.door.status().check, same: lines === this.lines };
	}
}

let failed = 0;
for (let seed = Number(first); seed < Number(first) + Number(n); seed++) {
	const session = new Session(seed);
	const done = session.play(seed);
	const { check, same } = session.again();
	const status = session.door.status();

	writeFileSync(join(directory, `${seed}.share`), session.share);
	writeFileSync(join(directory, `${seed}.lines`), session.lines);
	console.log(JSON.stringify({ seed, done, packets: status.packets, check, same, lines: status.lines,
		garbled: status.ends.some((end) => end.garbled), problem: status.problem }));
	failed += check !== 'identical' || !same;
}
process.exit(failed > 0 ? 1 : 0);
