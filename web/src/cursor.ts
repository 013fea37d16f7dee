/* The one cursor that every part of the page is tied to: which event of the connection is looked at. */

export class Cursor {
	private index = 0;
	private listeners = new Set<(at: number, from: unknown) => void>();

	get at(): number {
		return this.index;
	}

	/* from: who moved it, so that it need not follow itself. */
	set(at: number, from?: unknown): void {
		this.index = Math.max(0, at);
		for (const listener of this.listeners)
			listener(this.index, from);
	}

	onMove(listener: (at: number, from: unknown) => void): void {
		this.listeners.add(listener);
	}
}
