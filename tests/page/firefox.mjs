// A smoke test in a second engine: Firefox by WebDriver BiDi, since Playwright drives only a Firefox of its own.
import { check, holds, mim, same, skip, sleep } from "./tools.mjs";

/** Waits for an element. puppeteer's own way compiles a text in the page, which the page's policy forbids. */
async function shows(page, selector, text = "") {
  for (const end = Date.now() + 30_000; ; await sleep(50)) {
    const found = await page.evaluate((it) => document.querySelector(it)?.textContent, selector);
    if (text ? found === text : found !== undefined) return;
    holds(Date.now() < end, `${selector} shows ${JSON.stringify(found)}${text && ` and not ${text}`}`);
  }
}

export async function smoke(server) {
  const { FIREFOX } = process.env;
  const name = "Firefox shows the phone, answers it, and is live";
  if (!FIREFOX) return skip(name, "firefox-esr is not installed");
  const { default: puppeteer } = await import("../../page/node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js");
  let firefox;
  try {
    firefox = await puppeteer.launch({ browser: "firefox", executablePath: FIREFOX, headless: true, timeout: 60_000 });
  } catch (error) {
    return skip(name, `it does not start (${String(error).split("\n")[0]})`);
  }
  await check(name, async () => {
    const page = await firefox.newPage();
    const thrown = [];
    page.on("pageerror", (error) => thrown.push(String(error)));
    await page.goto(`${server.admin}/?view=phone`);
    await shows(page, ".live", "Live");
    const call = mim(server, ["--number", "1 4255550100"]);
    for (const it of ["article.card .yes", ".key:last-child"]) {
      await shows(page, it);
      await page.click(it);
    }
    same(await call.ended, 0, call.text);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    holds(wide, "it scrolls sideways");
    same(thrown, []);
  });
  await firefox.close();
}
