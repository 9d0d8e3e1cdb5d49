// What the runner gives an action, and takes from it: docs.github.com, "Workflow commands".
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");

const LINES = 20;

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] || "").trim();

const state = (name) => process.env[`STATE_${name}`] || "";

// Sets an output, a state or a variable: in the file that a variable of the runner names.
function set(file, name, value) {
  const end = `end-${crypto.randomUUID()}`;
  fs.appendFileSync(process.env[file], [`${name}<<${end}`, value, end, ""].join(os.EOL));
}

// Fails the step with a message, which GitHub shows at the job.
function fail(error) {
  const text = error.message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  console.log(`::error title=locmfa::${text}`);
  process.exitCode = 1;
}

function lastLines(log) {
  const lines = fs.existsSync(log) ? fs.readFileSync(log, "utf8").trimEnd().split(/\r?\n/) : [];
  return ["The newest lines of the server's log:", ...lines.slice(-LINES)].join("\n  ");
}

module.exports = { fail, input, lastLines, set, state };
