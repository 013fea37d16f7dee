/* Times, octets and numbers as people read them, and small helpers for elements. Text is only ever set as text. */

export function span(ns: number): string {
	const a = Math.abs(ns);

	if (a >= 60e9)
		return `${(ns / 60e9).toFixed(1)} min`;
	if (a >= 1e9)
		return `${trim(ns / 1e9, 3)} s`;
	if (a >= 1e6)
		return `${trim(ns / 1e6, 3)} ms`;
	if (a >= 1e3)
		return `${trim(ns / 1e3, 1)} µs`;
	return `${ns} ns`;
}

export function trim(value: number, digits: number): string {
	return String(Number(value.toFixed(digits)));
}

export function seconds(ns: number): string {
	return (ns / 1e9).toFixed(6);
}

export function grouped(n: number): string {
	return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

export function octets(n: number): string {
	return n >= 1e7 ? `${trim(n / 1e6, 1)} M` : grouped(n);
}

export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {},
	...children: (Node | string)[]): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		element.setAttribute(name, value);
	element.append(...children);
	return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number> = {},
	...children: (Node | string)[]): SVGElementTagNameMap[K] {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);

	for (const [name, value] of Object.entries(attributes))
		element.setAttribute(name, String(value));
	element.append(...children);
	return element;
}
