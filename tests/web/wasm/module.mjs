// The playground's WebAssembly module as calls with strings, for tests: what web/src/playground/ does in the page.
import { readFileSync } from 'node:fs';

export class Door {
	constructor(path) {
		const module = new WebAssembly.Module(readFileSync(path));
		const asked = WebAssembly.Module.imports(module);

		if (asked.length > 0)
			throw new Error(`the module asks for ${JSON.stringify(asked)}`);
		this.calls = new WebAssembly.Instance(module, {}).exports;
		this.at = this.calls.door_room();
	}

	put(text) {
		const bytes = new TextEncoder().encode(text);

		new Uint8Array(this.calls.memory.buffer, this.at, bytes.length).set(bytes);
		return bytes.length;
	}

	get(n) {
		return new TextDecoder().decode(new Uint8Array(this.calls.memory.buffer, this.at, n));
	}

	start(share) {
		return this.calls.door_start(this.put(share)) === 0 ? null : this.get(this.calls.door_wrong());
	}

	act(action) {
		return this.calls.door_act(this.put(action)) === 0 ? null : this.get(this.calls.door_wrong());
	}

	may(action) {
		return this.calls.door_may(this.put(action)) === 1;
	}

	run(until) {
		this.calls.door_run(until);
	}

	get now() {
		return this.calls.door_now();
	}

	get next() {
		return this.calls.door_next();
	}

	lines() {
		let all = '';

		for (let n = this.calls.door_lines(); n > 0; n = this.calls.door_lines())
			all += this.get(n);
		return all;
	}

	status() {
		return JSON.parse(this.get(this.calls.door_status()));
	}

	share() {
		return this.get(this.calls.door_share());
	}
}
