/* The WebAssembly module as calls with strings: src/play/door.h says what each does. */

interface Calls {
	memory: WebAssembly.Memory;
	door_room(): number;
	door_start(n: number): number;
	door_wrong(): number;
	door_run(until: number): void;
	door_now(): number;
	door_next(): number;
	door_act(n: number): number;
	door_may(n: number): number;
	door_lines(): number;
	door_status(): number;
	door_share(): number;
}

export interface PathStatus {
	delay: number; jitter: number; loss: number; duplicate: number; corrupt: number; reorder: number; rate: number;
	limit: number;
}

export interface EndStatus {
	state: string; cc: string;
	listens: boolean; connected: boolean; reads: boolean; ending: boolean; garbled: boolean; nodelay: boolean;
	left: number; sent: number; received: number; unread: number; unsent: number; unacked: number;
	cwnd: number; ssthresh: number; in_flight: number; srtt: number; rto: number;
	path: PathStatus;
}

export interface Status {
	now: number; check: "unknown" | "identical" | "different"; next: number | null; to: number | null;
	packets: number; lines: number; actions: number; coming: number;
	seed: number; ip: number; mtu: number; sack: number; ts: number; ecn: number; buffer: number; msl: number;
	problem: string | null;
	ends: [EndStatus, EndStatus];
}

export class Door {
	private readonly at: number;
	private readonly encoder = new TextEncoder();
	private readonly decoder = new TextDecoder();

	private constructor(private readonly calls: Calls) {
		this.at = calls.door_room();
	}

	static async open(bytes: Uint8Array<ArrayBuffer>): Promise<Door> {
		const { instance } = await WebAssembly.instantiate(bytes, {});

		return new Door(instance.exports as unknown as Calls);
	}

	private put(text: string): number {
		const bytes = this.encoder.encode(text);

		new Uint8Array(this.calls.memory.buffer, this.at, bytes.length).set(bytes);
		return bytes.length;
	}

	private get(n: number): string {
		return this.decoder.decode(new Uint8Array(this.calls.memory.buffer, this.at, n));
	}

	/* What is wrong with the share; null: it runs. */
	start(share: string): string | null {
		if (share.length > 60000)
			return "longer than any share";
		return this.calls.door_start(this.put(share)) === 0 ? null : this.get(this.calls.door_wrong());
	}

	act(action: string): string | null {
		return this.calls.door_act(this.put(action)) === 0 ? null : this.get(this.calls.door_wrong());
	}

	may(action: string): boolean {
		return this.calls.door_may(this.put(action)) === 1;
	}

	run(until: number): void {
		this.calls.door_run(until);
	}

	get now(): number {
		return this.calls.door_now();
	}

	/* -1: nothing ever happens by itself. */
	get next(): number {
		return this.calls.door_next();
	}

	lines(): string {
		let all = "";

		for (let n = this.calls.door_lines(); n > 0; n = this.calls.door_lines())
			all += this.get(n);
		return all;
	}

	status(): Status {
		return JSON.parse(this.get(this.calls.door_status())) as Status;
	}

	share(): string {
		return this.get(this.calls.door_share());
	}
}
