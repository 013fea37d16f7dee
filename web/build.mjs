/* Builds web/dist: each page one file, its script and style inside, allowed by their hashes alone. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL("./", import.meta.url).pathname;
const to = process.argv[2] ?? `${here}dist`;
const pages = [{ name: "report", entry: "src/report.ts", also: "" },
	{ name: "playground", entry: "src/playground/playground.ts", also: " 'wasm-unsafe-eval'" }];

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const css = (await build({ stdin: { contents: readFileSync(`${here}page.css`, "utf8"), loader: "css" }, minify: true, write: false,
	target: "es2022" })).outputFiles[0].text.trim();

mkdirSync(to, { recursive: true });
for (const page of pages) {
	if (!existsSync(here + page.entry))
		continue;
	const made = await build({ absWorkingDir: here, entryPoints: [page.entry], bundle: true, minify: true, write: false, format: "iife",
		target: "es2022", charset: "utf8", legalComments: "none" });
	/* Nothing in the script may end it early. */
	const script = made.outputFiles[0].text.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
	const csp = `default-src 'none'; script-src ${hash(script)}${page.also}; style-src ${hash(css)}; base-uri 'none'; form-action 'none'`;
	const html = readFileSync(`${here}page.html`, "utf8").replace("%CSP%", () => csp).replace("%STYLE%", () => css)
		.replace("%SCRIPT%", () => script);
	writeFileSync(`${to}/${page.name}.html`, html);
}
