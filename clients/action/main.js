// Starts the server, and tells the following steps where it is.
"use strict";

const { spawn, spawnSync } = require("node:child_process");
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { fail, input, lastLines, set } = require("./runner.js");

const ARCHIVE_LIMIT = 256 << 20;
// The oldest program that this action can start.
const OLDEST = "0.1.0";

async function main() {
  const folder = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP || os.tmpdir(), "locmfa-"));
  const program = input("archive") ? await unpacked(folder) : found(input("program") || "locmfa");
  checkVersion(program);
  const timeout = Number(input("timeout") || 30);
  if (!(timeout > 0)) throw new Error(`timeout is "${input("timeout")}", which is no number of seconds. Write 30.`);

  const ready = path.join(folder, "ready.json");
  const log = path.join(folder, "locmfa.log");
  const scenario = input("scenario");
  if (scenario && !fs.existsSync(scenario)) {
    throw new Error(`There is no scenario ${scenario}. Its path is relative to the workspace; is actions/checkout a step before?`);
  }
  const words = input("arguments").split(/\r?\n/).map((it) => it.trim()).filter(Boolean);
  const always = ["--listen", "127.0.0.1:0", "--ready-file", ready, "--certs", path.join(folder, "certs")];
  if (input("seed")) always.push("--seed", input("seed"));
  const output = fs.openSync(log, "a");
  const child = spawn(program, ["serve", ...(scenario ? [scenario] : []), ...always, ...words], {
    detached: true, stdio: ["ignore", output, output], windowsHide: true,
  });
  let ended;
  child.on("error", (error) => { ended = `it cannot be started (${error.message})`; });
  child.on("exit", (code, signal) => { ended = `it ended with ${signal || `exit code ${code}`}`; });

  for (const end = Date.now() + timeout * 1000; !fs.existsSync(ready); await pause(20)) {
    if (ended) throw new Error(`${program} does not serve: ${ended}.\n${lastLines(log)}`);
    if (Date.now() > end) {
      child.kill();
      throw new Error(`${program} is not ready after ${timeout} seconds.\n${lastLines(log)}`);
    }
  }
  const server = JSON.parse(fs.readFileSync(ready, "utf8"));
  child.unref();

  set("GITHUB_STATE", "pid", server.pid);
  set("GITHUB_STATE", "admin", server.admin || "");
  set("GITHUB_STATE", "log", log);
  set("GITHUB_OUTPUT", "url", server.service);
  set("GITHUB_OUTPUT", "admin", server.admin || "");
  set("GITHUB_OUTPUT", "authority", server.authority || "");
  set("GITHUB_OUTPUT", "log", log);
  set("GITHUB_OUTPUT", "seed", String(server.seed));
  if (server.admin) set("GITHUB_ENV", "LOCMFA_ADMIN", server.admin);
  if (path.isAbsolute(program)) fs.appendFileSync(process.env.GITHUB_PATH, `${path.dirname(program)}${os.EOL}`);
  console.log(`locmfa serves ${server.service}; its admin API is ${server.admin || "switched off"}; its seed is ${server.seed}.`);
}

// The program of an archive, whose checksum is compared first.
async function unpacked(folder) {
  const url = input("archive");
  const expected = input("sha256").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(expected)) {
    throw new Error("sha256 is not the SHA-256 checksum of the archive: it needs 64 hexadecimal digits, from SHA256SUMS.");
  }
  const answer = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!answer.ok) throw new Error(`${url} cannot be downloaded: status ${answer.status}.`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (bytes.length > ARCHIVE_LIMIT) throw new Error(`${url} has ${bytes.length} bytes, which no release has.`);
  const actual = crypto.createHash("sha256").update(bytes).digest("hex");
  if (actual !== expected) throw new Error(`${url} has the SHA-256 checksum ${actual}, and sha256 says ${expected}.`);

  const archive = path.join(folder, path.basename(new URL(url).pathname));
  fs.writeFileSync(archive, bytes);
  // tar of Windows reads zip archives, too; tar of Linux does not.
  const isZip = archive.endsWith(".zip") && process.platform !== "win32";
  const [tool, ...words] = isZip ? ["unzip", "-q", archive, "-d", folder] : ["tar", "-xf", archive, "-C", folder];
  const done = spawnSync(tool, words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${archive} cannot be unpacked: ${done.error ? done.error.message : done.stderr}`);
  const name = process.platform === "win32" ? "locmfa.exe" : "locmfa";
  const files = fs.readdirSync(folder, { recursive: true }).filter((it) => path.basename(it) === name);
  if (!files.length) throw new Error(`${url} holds no ${name}. Choose the archive for this system (${process.platform}).`);
  return path.join(folder, files[0]);
}

// A program by its path, or by its name on the PATH.
function found(name) {
  const endings = process.platform === "win32" ? ["", ".exe"] : [""];
  const isPath = name.includes("/") || name.includes(path.sep);
  const folders = isPath ? ["."] : (process.env.PATH || "").split(path.delimiter);
  for (const folder of folders) {
    for (const ending of endings) {
      const file = path.resolve(folder, name + ending);
      if (fs.existsSync(file) && fs.statSync(file).isFile()) return file;
    }
  }
  throw new Error(`There is no program ${name}. Give the path in program, or the URL of a release in archive.`);
}

// Fails where a program is another one, or too old.
function checkVersion(program) {
  const told = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 30_000 });
  if (told.error) throw new Error(`${program} does not run (${told.error.message}).`);
  const version = /^locmfa (\d+)\.(\d+)\.(\d+)/.exec(told.stdout);
  if (!version) throw new Error(`${program} is not locmfa: --version prints "${told.stdout.trim().slice(0, 80)}".`);
  const [found, oldest] = [version.slice(1).map(Number), OLDEST.split(".").map(Number)];
  const at = oldest.findIndex((it, at) => it !== found[at]);
  if (at >= 0 && found[at] < oldest[at]) {
    throw new Error(`${program} is version ${found.join(".")}, which is too old: ${OLDEST} is needed.`);
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

main().catch(fail);
