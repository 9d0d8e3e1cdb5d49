// What the checks share: a server of their own, a caller, a browser, and counting.
import { spawn } from "node:child_process";
import fs from "node:fs";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { chromium } from "../../page/node_modules/playwright-core/index.mjs";

export const root = path.resolve(import.meta.dirname, "../..");
const work = fs.mkdtempSync(path.join(os.tmpdir(), "locmfa-page-"));
const { LOCMFA, CHROMIUM } = process.env;
const running = new Set();

let passed = 0;
let failed = 0;
let skipped = 0;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Runs a check, and prints how it went. */
export async function check(name, run) {
  const start = Date.now();
  try {
    const note = await run();
    passed++;
    console.log(`ok      ${name}${note ? `: ${note}` : ""} (${Date.now() - start} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${String(error?.stack ?? error).split("\n").slice(0, 6).join("\n        ")}`);
  }
}

export function skip(name, why) {
  skipped++;
  console.log(`skipped ${name}: ${why}`);
}

export function same(actual, expected, what = "") {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} expected ${b}, was ${a}`);
}

export function holds(it, what) {
  if (!it) throw new Error(what);
}

/** Starts a program that ends with the checks. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  child.text = "";
  child.stdout.on("data", (it) => (child.text += it));
  child.stderr.on("data", (it) => (child.text += it));
  child.ended = new Promise((done) => child.on("exit", (code) => (running.delete(child), done(code))));
  running.add(child);
  return child;
}

/** A server of its own; what it serves, and on which address of the admin API. */
export async function serve(name, { args = [], admin, file = "tests/page/checks.yaml" } = {}) {
  const ready = path.join(work, `${name}.json`);
  fs.rmSync(ready, { force: true });
  const address = admin ? ["--admin", admin] : [];
  const scenario = path.join(root, file);
  const child = start(LOCMFA, [scenario, "--listen", "127.0.0.1:0", "--ready-file", ready, "--certs", path.join(work, "certs"), "--grace", "0", ...address, ...args]);
  for (let at = 0; at < 400 && !fs.existsSync(ready); at++) {
    if (child.exitCode !== null) throw new Error(`the server did not start: ${child.text}`);
    await sleep(25);
  }
  const it = JSON.parse(fs.readFileSync(ready, "utf8"));
  return { ...it, admin: it.admin.replace("localhost", "127.0.0.1"), child };
}

export async function stop(server) {
  server.child.kill("SIGTERM");
  await server.child.ended;
}

/** Calls as MIM does, by the program's own client. Its exit code says what MIM would: 0 passed, 1 denied, 3 failed. */
export function mim(server, args) {
  const env = { ...process.env, LOCMFA_PASSWORD: "any" };
  const url = ["--url", server.service, "--authority", server.authority, "--account", "CONTOSO\\mimservice"];
  return start(LOCMFA, ["mim", "call", ...url, ...args], { env });
}

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** Calls the service by SOAP, for a user by name. */
export function soap(server, username, application = "") {
  const body = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><PfAuthUser_4 xmlns="http://www.phonefactor.com/PfWsSdk"><username>${escaped(username)}</username><initiatingAuthenticationType>pfsdk</initiatingAuthenticationType><initiatingIpAddress>${escaped(application)}</initiatingIpAddress><applicationName>${escaped(application)}</applicationName><requireUserMatch>true</requireUserMatch></PfAuthUser_4></s:Body></s:Envelope>`;
  return start("curl", ["-s", "--max-time", "120", "--cacert", server.authority, "--basic", "--user", "CONTOSO\\mimservice:any", "-H", "Content-Type: text/xml; charset=utf-8", "-H", 'SOAPAction: "http://www.phonefactor.com/PfWsSdk/PfAuthUser_4"', "--data", body, server.service]);
}

/** Many callers with connections that stay open, who sign in by Basic and name a telephone number. */
export function callers(server) {
  const { hostname, port, pathname } = new URL(server.service);
  const agent = new https.Agent({ keepAlive: true, ca: fs.readFileSync(server.authority) });
  const headers = { "content-type": "text/xml; charset=utf-8", soapaction: '"http://www.phonefactor.com/PfWsSdk/PfAuthUser_5"' };
  const call = (number) =>
    new Promise((done) => {
      const body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><PfAuthUser_5 xmlns="http://www.phonefactor.com/PfWsSdk"><username>mimservice@contoso.com</username><initiatingAuthenticationType>pfsdk</initiatingAuthenticationType><requireUserMatch>true</requireUserMatch><mode>voiceCall</mode><countryCode>1</countryCode><phoneNumber>${number}</phoneNumber></PfAuthUser_5></s:Body></s:Envelope>`;
      const request = https.request({ hostname, port, path: pathname, agent, method: "POST", auth: "CONTOSO\\mimservice:any", headers }, (answer) => {
        answer.resume();
        answer.on("close", () => done(answer.statusCode));
      });
      request.on("error", () => done(0));
      request.end(body);
    });
  return { call, end: () => agent.destroy() };
}

/** So many calls a second that are over at once, until it is ended; it tells how many were answered in a second. */
export function flood(server, rate) {
  const by = callers(server);
  const start = performance.now();
  let sent = 0;
  let answered = 0;
  const timer = setInterval(() => {
    // Those that wait for their answers are bounded: a server that is slower is not buried.
    for (const due = ((performance.now() - start) / 1000) * rate; sent < due && sent - answered < 64; sent++) {
      by.call("4255550189").then((status) => (answered += status === 200 ? 1 : 0));
    }
  }, 10);
  return {
    answered: () => answered,
    end() {
      clearInterval(timer);
      by.end();
      return answered / ((performance.now() - start) / 1000);
    },
  };
}

/** A way to the admin API by which events come late, and which can be cut. */
export async function late(server) {
  const { port } = new URL(server.admin);
  const sockets = new Set();
  const way = { delay: 0 };
  let isCut = false;
  const accept = (own) => {
    if (isCut) return own.destroy();
    const other = net.connect(Number(port), "127.0.0.1");
    let isStream = false;
    own.on("data", (it) => ((isStream ||= it.toString().startsWith("GET /events")), other.write(it)));
    let before = Promise.resolve();
    other.on("data", (it) => {
      const due = Date.now() + (isStream ? way.delay : 0);
      // What came later does not overtake it.
      before = before.then(() => sleep(due - Date.now())).then(() => own.write(it));
    });
    for (const [it, peer] of [[own, other], [other, own]]) {
      sockets.add(it);
      it.on("error", () => {}).on("close", () => (sockets.delete(it), peer.destroy()));
    }
  };
  const listener = net.createServer(accept).listen(0, "127.0.0.1");
  await new Promise((done) => listener.on("listening", done));
  way.url = `http://127.0.0.1:${listener.address().port}`;
  way.cut = () => ((isCut = true), sockets.forEach((it) => it.destroy()));
  way.mend = () => (isCut = false);
  way.end = () => (way.cut(), listener.close());
  return way;
}

/** Asks the admin API. */
export async function api(server, method, path, body, headers = {}) {
  const type = typeof body === "string" ? "application/yaml" : "application/json";
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(server.admin + path, { method, body: text, headers: { "content-type": type, ...headers } });
  const told = await answer.text();
  return { status: answer.status, text: told, json: () => JSON.parse(told) };
}

export const reset = (server) => api(server, "POST", "/spaces/default/reset");

export const browser = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

/** What a page must never do: break its policy, throw, or leave its server. */
export const sins = [];

/** A page that is watched. */
export async function open(context, server, query = "") {
  const page = await context.newPage();
  page.on("pageerror", (error) => sins.push(`threw ${error}`));
  page.on("console", (it) => {
    // The browser reports each refused answer of the API in its console; the page says it to the person.
    if (it.type() === "error" && !/Failed to load resource|ERR_/.test(it.text())) sins.push(`console: ${it.text()}`);
  });
  page.on("dialog", (it) => (sins.push(`a dialog: ${it.message()}`), it.dismiss()));
  page.on("request", (it) => {
    if (new URL(it.url()).origin !== new URL(server.admin).origin && !/^(blob|data):/.test(it.url())) sins.push(`went to ${it.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (it) => console.error(`CSP: ${it.violatedDirective} ${it.blockedURI}`));
  });
  await page.goto(`${server.admin}/${query}`);
  await page.waitForSelector("main");
  return page;
}

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  fs.rmSync(work, { recursive: true, force: true });
});
// The time is up: what runs ends with the checks.
process.on("SIGTERM", () => process.exit(1));

export function end() {
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed ? 1 : 0);
}
