/* What the tests of the pages share: Chromium without a window, and a count of what was found as it should be. */

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch() {
	return puppeteer.launch({
		executablePath: places.find((place) => place && existsSync(place)), timeout: 300000, protocolTimeout: 600000,
		args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
	});
}

/* A tab that keeps what goes wrong in it, and lets nothing out to a network. */
export async function openTab(browser) {
	const tab = await browser.newPage(), wrong = [];

	tab.on("console", (message) => { if (message.type() === "error" || message.type() === "warn") wrong.push(message.text()); });
	tab.on("pageerror", (error) => wrong.push(error.message));
	tab.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) wrong.push(`asked for ${request.url()}`); });
	tab.setDefaultTimeout(300000);
	return { tab, wrong };
}

export class Checks {
	passed = 0;
	failed = 0;

	check(name, holds, found) {
		if (holds) {
			this.passed++;
			return;
		}
		this.failed++;
		console.log(`FAILED ${name}${found === undefined ? "" : `: ${JSON.stringify(found)}`}`);
	}

	end() {
		console.log(`${this.passed} passed, ${this.failed} failed`);
		process.exitCode = this.failed > 0 || this.passed === 0 ? 1 : 0;
	}
}
