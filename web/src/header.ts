/* A segment's headers, byte for byte and field by field: as they were on the wire where that was kept ("hdr"), else built
 * from what the event says (RFC 9293 3.1; options in the order in which tern sends them). */

import { flagsText } from "./ladder";
import type { SegmentEvent } from "./model";

export interface Field {
	name: string;
	from: number; /* first byte */
	n: number;    /* bytes it stands in */
	value: string;
	meaning: string;
	depth: 0 | 1;
}

export interface Header {
	bytes: (number | null)[]; /* null: not known */
	fields: Field[];
	isBuilt: boolean;
}

class Reader {
	readonly fields: Field[] = [];

	constructor(readonly bytes: (number | null)[]) {}

	has(from: number, n: number): boolean {
		return from + n <= this.bytes.length;
	}

	u8(at: number): number {
		return this.bytes[at] ?? 0;
	}

	u16(at: number): number {
		return this.u8(at) * 256 + this.u8(at + 1);
	}

	u32(at: number): number {
		return this.u16(at) * 65536 + this.u16(at + 2);
	}

	put(name: string, from: number, n: number, value: string | number, meaning = "", depth: 0 | 1 = 0): void {
		this.fields.push({ name, from, n, value: String(value), meaning, depth });
	}

	hex(at: number, n: number): string {
		return `0x${this.bytes.slice(at, at + n).map((b) => (b ?? 0).toString(16).padStart(2, "0")).join("")}`;
	}
}

/* Its length; 0: it is none. */
function readIp4(r: Reader): number {
	const header = (r.u8(0) & 15) * 4, fragment = r.u16(6);
	const address = (at: number): string => [0, 1, 2, 3].map((i) => r.u8(at + i)).join(".");

	if (header < 20 || !r.has(0, header))
		return 0;
	r.put("IPv4", 0, header, `${header} B`, "RFC 791 3.1");
	r.put("version, IHL", 0, 1, `4, ${header / 4}`, "", 1);
	r.put("DSCP, ECN", 1, 1, `${r.u8(1) >> 2}, ${["not ECT", "ECT(1)", "ECT(0)", "CE"][r.u8(1) & 3]}`, "", 1);
	r.put("total length", 2, 2, r.u16(2), "", 1);
	r.put("identification", 4, 2, r.u16(4), "", 1);
	r.put("flags, offset", 6, 2, `${fragment & 0x4000 ? "DF " : ""}${fragment & 0x2000 ? "MF " : ""}${(fragment & 0x1fff) * 8}`, "", 1);
	r.put("TTL", 8, 1, r.u8(8), "", 1);
	r.put("protocol", 9, 1, r.u8(9), r.u8(9) === 6 ? "TCP" : "", 1);
	r.put("header checksum", 10, 2, r.hex(10, 2), "", 1);
	r.put("source", 12, 4, address(12), "", 1);
	r.put("destination", 16, 4, address(16), "", 1);
	if (header > 20)
		r.put("options", 20, header - 20, r.hex(20, header - 20), "", 1);
	return r.u8(9) === 6 ? header : 0;
}

function readIp6(r: Reader): number {
	const address = (at: number): string =>
		[0, 2, 4, 6, 8, 10, 12, 14].map((i) => r.u16(at + i).toString(16)).join(":").replace(/(^|:)0(:0)+(:|$)/, "::");

	if (!r.has(0, 40))
		return 0;
	r.put("IPv6", 0, 40, "40 B", "RFC 8200 3");
	r.put("version, class", 0, 2, `6, ${(r.u16(0) >> 4) & 255}`, "", 1);
	r.put("flow label", 1, 3, `0x${(r.u32(0) & 0xfffff).toString(16)}`, "", 1);
	r.put("payload length", 4, 2, r.u16(4), "", 1);
	r.put("next header", 6, 1, r.u8(6), r.u8(6) === 6 ? "TCP" : "", 1);
	r.put("hop limit", 7, 1, r.u8(7), "", 1);
	r.put("source", 8, 16, address(8), "", 1);
	r.put("destination", 24, 16, address(24), "", 1);
	return r.u8(6) === 6 ? 40 : 0;
}

const known: Record<number, string> = { 2: "maximum segment size", 3: "window scale", 4: "SACK permitted", 5: "SACK", 8: "timestamps", 28: "user timeout", 34: "fast open", 172: "AccECN order 0", 174: "AccECN order 1" };

function optionValue(r: Reader, kind: number, at: number, n: number): string {
	switch (kind) {
	case 2: return n === 4 ? String(r.u16(at + 2)) : "?";
	case 3: return n === 3 ? `× ${2 ** Math.min(r.u8(at + 2), 14)}` : "?";
	case 4: return "";
	case 5: {
		const blocks: string[] = [];
		for (let i = at + 2; i + 8 <= at + n; i += 8)
			blocks.push(`${r.u32(i)}:${r.u32(i + 4)}`);
		return blocks.join(" ");
	}
	case 8: return n === 10 ? `TSval ${r.u32(at + 2)}, TSecr ${r.u32(at + 6)}` : "?";
	default: return r.hex(at + 2, n - 2);
	}
}

function readOptions(r: Reader, from: number, end: number): void {
	for (let at = from; at < end;) {
		const kind = r.u8(at);
		if (kind === 0) {
			r.put("end of options", at, end - at, "", "", 1);
			return;
		}
		if (kind === 1) {
			let n = 1;
			while (at + n < end && r.u8(at + n) === 1)
				n++;
			r.put("no-operation", at, n, n > 1 ? `× ${n}` : "", "", 1);
			at += n;
			continue;
		}
		const n = at + 1 < end ? r.u8(at + 1) : 0;
		if (n < 2 || at + n > end) {
			r.put("damaged option", at, end - at, r.hex(at, end - at), "", 1);
			return;
		}
		r.put(known[kind] ?? `option ${kind}`, at, n, optionValue(r, kind, at, n), "", 1);
		at += n;
	}
}

function readTcp(r: Reader, at: number, event: SegmentEvent): void {
	if (!r.has(at, 20))
		return;
	const header = Math.min((r.u8(at + 12) >> 4) * 4, r.bytes.length - at), raw = r.u16(at + 14);
	const sum = r.bytes[at + 16] === null ? "—" : r.hex(at + 16, 2);
	const port = (p: number): string => r.bytes[p] === null ? "—" : String(r.u16(p));

	r.put("TCP", at, header, `${header} B`, "RFC 9293 3.1");
	r.put("source port", at, 2, port(at), "", 1);
	r.put("destination port", at + 2, 2, port(at + 2), "", 1);
	r.put("sequence number", at + 4, 4, r.u32(at + 4), event.rseq === null ? "" : `relative ${event.rseq}`, 1);
	r.put("acknowledgment", at + 8, 4, r.u32(at + 8), event.rack === null ? "" : `relative ${event.rack}`, 1);
	r.put("data offset", at + 12, 1, r.u8(at + 12) >> 4, `${header} octets`, 1);
	r.put("flags", at + 12, 2, r.hex(at + 12, 2), flagsText(event.flags), 1);
	r.put("window", at + 14, 2, raw, raw === event.wnd ? "" : `${event.wnd} octets, scaled`, 1);
	r.put("checksum", at + 16, 2, sum, "", 1);
	r.put("urgent pointer", at + 18, 2, r.u16(at + 18), "", 1);
	readOptions(r, at + 20, at + header);
}

function put32(to: (number | null)[], value: number): void {
	to.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

const bits: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128, e: 256 };

function build(event: SegmentEvent, shift: number, ports: [number | null, number | null]): (number | null)[] {
	const options: (number | null)[] = [], o = event.opts;
	const flags = [...event.flags].reduce((sum, flag) => sum | (bits[flag] ?? 0), 0);
	const wnd = Math.min(65535, event.flags.includes("S") ? event.wnd : Math.floor(event.wnd / 2 ** shift));
	const bytes: (number | null)[] = [];

	if (o.mss !== undefined)
		options.push(2, 4, o.mss >> 8, o.mss & 255);
	if (o.sack_permitted)
		options.push(4, 2);
	if (o.ts) {
		options.push(...(o.sack_permitted ? [] : [1, 1]), 8, 10);
		put32(options, o.ts[0]);
		put32(options, o.ts[1]);
	}
	if (o.wscale !== undefined)
		options.push(1, 3, 3, o.wscale);
	if (o.sack) {
		options.push(1, 1, 5, 2 + 8 * o.sack.length);
		for (const [left, right] of o.sack) {
			put32(options, left);
			put32(options, right);
		}
	}
	while (options.length % 4 !== 0)
		options.push(0);
	for (const port of ports)
		bytes.push(port === null ? null : port >> 8, port === null ? null : port & 255);
	put32(bytes, event.seq);
	put32(bytes, event.ack);
	bytes.push(((5 + options.length / 4) << 4) | (flags >> 8), flags & 255, wnd >> 8, wnd & 255, null, null,
		(event.up ?? 0) >> 8, (event.up ?? 0) & 255, ...options);
	return bytes;
}

export function readHeader(event: SegmentEvent, shift: number, ports: [number | null, number | null]): Header {
	const hdr = event.hdr !== undefined && /^([0-9a-f]{2})+$/i.test(event.hdr) ? event.hdr : null;

	if (hdr !== null) {
		const r = new Reader(hdr.match(/../g)!.map((pair) => parseInt(pair, 16)));
		const ip = r.u8(0) >> 4 === 4 ? readIp4(r) : r.u8(0) >> 4 === 6 ? readIp6(r) : 0;
		if (ip > 0 && r.has(ip, 20)) {
			readTcp(r, ip, event);
			return { bytes: r.bytes, fields: r.fields, isBuilt: false };
		}
	}
	const r = new Reader(build(event, shift, ports));
	readTcp(r, 0, event);
	return { bytes: r.bytes, fields: r.fields, isBuilt: true };
}
