/* The report: a page with its events inside. */

import { parseLines, type Meta } from "./model";
import { mountPage } from "./page";
import { Store } from "./store";

function embedded(id: string): string {
	return document.getElementById(id)?.textContent ?? "";
}

const meta = JSON.parse(embedded("tern-meta")) as Meta;
const store = new Store(meta);
const { events, broken } = parseLines(embedded("tern-events"));

store.broken = broken;
store.append(events);
mountPage(document.getElementById("tern-page")!, store);
