// A user of an editor, in a headless Chromium: opens a project, sees what is wrong, takes the fix, opens a door too wide, sees the policy
// refuted and its lens. Ends with 1 at the first thing that is not so. SECNET_BLESS=1 keeps the screenshot for the manual.

import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

import { bridge } from "./bridge.js";

const [secnet, site, browserPath, pictures] = process.argv.slice(2).map((path) => resolve(path));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const PATIENCE = 20_000;

const directory = await mkdtemp(join(tmpdir(), "secnet-editor-"));
const source = join(directory, "main.secnet");
const example = await readFile(join(root, "examples/secure_server/main.secnet"), "utf8");
assert.match(example, /subnet {10}= subnet\.public/);
await writeFile(source, example.replace(/(subnet {10}= subnet)\.public/, "$1.pubic"));

const project = async () => ({
    directory,
    file: pathToFileURL(source).href,
    text: await readFile(source, "utf8"),
    theme: "Default Light Modern",
});
const served = await bridge({ site, secnet, directory, project });
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--force-color-profile=srgb"] });

const said = [];
let page;
const problems = () => page.evaluate(() => window.secnet.problems());
const text = () => page.evaluate(() => window.secnet.text());
const lenses = () => page.locator(".codelens-decoration").allTextContents();

async function until(what, look) {
    const end = Date.now() + PATIENCE;
    let last;
    while (Date.now() < end) {
        last = await look();
        if (last) return last;
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`waited in vain: ${what}; problems ${JSON.stringify(await problems().catch(String))}, lenses ${JSON.stringify(await lenses().catch(String))}`);
}

/** Opens the menu of fixes where the cursor is. */
async function fixes() {
    await page.keyboard.press("Control+.");
    await page.waitForSelector(".action-widget .action", { timeout: PATIENCE });
    return (await page.locator(".action-widget .action").allTextContents()).map((title) => title.trim());
}

async function play() {
    page = await browser.newPage({ viewport: { width: 1180, height: 640 }, deviceScaleFactor: 1, reducedMotion: "reduce" });
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`page: ${error.message}`));
    await page.goto(served.url);
    await page.waitForFunction(() => window.secnet !== undefined, undefined, { timeout: 60_000 });

    // A name that is not there: told, underlined, and mended by the fix that is offered.
    const [wrong] = await until("a wrong name", async () => {
        const now = await problems();
        return now.length > 0 && now;
    });
    assert.deepEqual([wrong.code, wrong.text], ["E0203", "subnet.pubic"]);
    await page.evaluate(() => window.secnet.go("subnet.pubic", 8));
    await until("a squiggle", async () => (await page.locator(".squiggly-error").count()) > 0);
    const offered = await fixes();
    assert.ok(offered.some((title) => title.includes("subnet.public")), JSON.stringify(offered));
    await page.keyboard.press("Enter");
    await until("the text without the mistake", async () => !(await text()).includes("pubic"));
    await until("no problem", async () => (await problems()).length === 0);
    await until("no squiggle", async () => (await page.locator(".squiggly-error").count()) === 0);
    assert.equal(await text(), example);

    // What holds is said to hold.
    await page.evaluate(() => window.secnet.go("policy private_server", 14));
    const holding = await until("lenses that say `proven`", async () => {
        const now = await lenses();
        return now.filter((lens) => lens.includes("proven")).length >= 3 && now;
    });
    console.log(`lenses while all holds: ${JSON.stringify(holding)}`);
    assert.ok(holding.some((lens) => lens.includes("reachable from the internet: tcp/22 from 203.0.113.0/28")), JSON.stringify(holding));

    // Colours are those of the server's tokens; without them, those of the extension's grammar.
    const WORDS = ["policy", "private_server", "tcp/22", "instance"];
    const colours = () =>
        page.evaluate((wanted) => {
            const words = [...document.querySelectorAll(".view-line span span")];
            return wanted.map((word) => getComputedStyle(words.find((w) => w.textContent.trim() === word)).color);
        }, WORDS);
    const TOKENS = ["rgb(0, 0, 255)", "rgb(38, 127, 153)", "rgb(9, 134, 88)", "rgb(38, 127, 153)"];
    const GRAMMAR = ["rgb(0, 0, 255)", "rgb(128, 0, 0)", "rgb(9, 134, 88)", "rgb(38, 127, 153)"];
    const look = async (what, wanted) => {
        let now;
        await until(what, async () => String((now = await colours())) === String(wanted)).catch((error) => {
            throw new Error(`${WORDS} have the colours ${now.join("; ")}, not ${wanted.join("; ")}`, { cause: error });
        });
    };
    await look("the colours of tokens", TOKENS);
    await page.evaluate(() => window.secnet.configure({ "editor.semanticHighlighting.enabled": false }));
    await look("the colours of the grammar", GRAMMAR);
    await page.evaluate(() => window.secnet.configure({}));

    // A door that is opened too wide: the policy is refuted while one types.
    await page.evaluate(() => window.secnet.append("maintainers   \"maintainers\"", "\n  ingress tcp/8080 from anywhere"));
    const refuted = await until("the policy refuted", async () => (await problems()).find((problem) => problem.code === "E0811"));
    assert.match(refuted.text, /^forbid {2}all/);
    assert.match(refuted.message, /the internet reaches `instance\.server` with tcp\/8080/);
    await page.evaluate(() => window.secnet.go("forbid", 16));
    await until("a lens that says `refuted`", async () => (await lenses()).some((lens) => lens.includes("refuted")));
    await until("its squiggle", async () => (await page.locator(".squiggly-error").count()) > 0);
    console.log(`lenses of what is refuted: ${JSON.stringify(await lenses())}`);
    const mending = await fixes();
    console.log(`what mends it: ${JSON.stringify(mending)}`);
    assert.ok(mending[0]?.includes("ingress tcp/8080 from anywhere") || mending[0]?.includes("ingress tcp/8080 from 0.0.0.0/0"), JSON.stringify(mending));
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(pictures, "editor.png") });
    if (process.env.SECNET_BLESS) await copyFile(join(pictures, "editor.png"), join(root, "src/manual/site/editor.png"));
    await page.keyboard.press("Escape");

    // The lens leads to the line that lets the packet pass.
    await page.locator(".codelens-decoration a", { hasText: "refuted" }).click();
    const told = (method) => served.seen.findLast((message) => message.method === method);
    await until("the witness", async () => told("window/showMessage")?.params.message.includes("tcp 1.0.0.0:0 to instance.server's public address:8080"));
    await until("the line that lets it pass", async () => /^(ingress tcp\/8080|in +200 allow)/.test(await page.evaluate(() => window.secnet.selected())));

    await page.evaluate(() => window.secnet.go("forbid", 16));
    await fixes();
    await page.keyboard.press("Enter");
    await until("the policy to hold again", async () => (await problems()).every((problem) => problem.code !== "E0811"));
    await until("no squiggle any more", async () => (await page.locator(".squiggly-error").count()) === 0);
    assert.equal(await text(), example);
    await until("no lens that says `refuted`", async () => !(await lenses()).some((lens) => lens.includes("refuted")));
    console.log("the editor: a mistake was underlined and mended; a policy was refuted while typing, its lens led to the line, and the fix made it hold");
}

let failed = false;
try {
    await play();
} catch (error) {
    failed = true;
    console.error(error);
    console.error(said.slice(-20).join("\n"));
    console.error(served.seen.slice(-5).map((m) => JSON.stringify(m).slice(0, 600)).join("\n"));
    await page?.screenshot({ path: join(pictures, "editor-failed.png") }).catch(() => {});
} finally {
    await browser.close();
    served.close();
    await rm(directory, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
