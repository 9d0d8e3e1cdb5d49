// Writes the calls of all spaces into the summary of the job, and stops the server.
"use strict";

const fs = require("node:fs");
const { fail, lastLines, state } = require("./runner.js");

const CALLS = 50;

async function post() {
  const pid = Number(state("pid"));
  // The main step failed before there was a server.
  if (!pid) return;
  const admin = state("admin");
  try {
    if (admin) fs.appendFileSync(process.env.GITHUB_STEP_SUMMARY, await summary(admin));
  } catch (error) {
    const why = error.cause ? error.cause.message : error.message;
    console.log(`::warning title=locmfa::The server did not answer at the end of the job (${why}).`);
    console.log(lastLines(state("log")));
  } finally {
    try {
      process.kill(pid);
    } catch {
      // It has ended already.
    }
  }
}

async function summary(admin) {
  const ask = async (path) => {
    const answer = await fetch(admin + path, { signal: AbortSignal.timeout(10_000) });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || `status ${answer.status}`);
    return body;
  };
  const { items: spaces } = await ask("/spaces");
  const lines = ["## locmfa", ""];
  for (const space of spaces) {
    if (!space.calls) continue;
    const { items } = await ask(`${space.path}/calls?limit=${CALLS}`);
    const shown = items.length < space.calls ? `, the newest ${items.length}` : "";
    lines.push(`### Space ${cell(space.name)}: ${space.calls} ${space.calls === 1 ? "call" : "calls"}${shown}`, "");
    lines.push("| # | time | operation | user | outcome | rule |", "|--:|---|---|---|---|---|");
    for (const it of items) {
      const cells = [it.seq, it.at, it.operation, it.username, it.outcome, it.rule || ""];
      lines.push(`| ${cells.map(cell).join(" | ")} |`);
    }
    lines.push("");
  }
  if (lines.length === 2) lines.push("No call came.", "");
  const { counts } = await ask("/failures");
  for (const [kind, count] of Object.entries(counts)) lines.push(`- ${count} × ${cell(kind)} (docs/troubles.md)`);
  return `${lines.join("\n")}\n`;
}

// A text of a caller, which must be neither HTML nor Markdown.
const cell = (text) => String(text).replace(/[\r\n]+/g, " ").replace(/[\\`*_{}[\]<>()#+!|&~@]/g, (it) => `&#${it.charCodeAt(0)};`);

post().catch(fail);
