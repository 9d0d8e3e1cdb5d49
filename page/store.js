// @ts-check
/** What the page knows of its space, and how that changes. One object; the page is drawn again once a frame. */
import { ask, isDevice, query, Refused } from "./api.js";
import { follow } from "./stream.js";
import { ringWhile } from "./sound.js";

/**
 * @typedef {{id: number, state: string, since: string, operation: string, username: string, owner?: string,
 *   phone?: string, channel: string, application: string, due: string, gives_up: string, name?: string, says?: string,
 *   asks?: string, acts: string[], rule?: string, code?: string}} Challenge
 * @typedef {{c: Challenge, ended: any, entry: string}} Card
 * @typedef {{seq: number, state?: string, at: string, operation: string, username: string, number?: string,
 *   outcome: string, call_result?: number, ending?: string, error?: number, status: number, rule?: string, warning?: string,
 *   milliseconds: number, caller: string}} Call
 * @typedef {{seq: number, at: string, medium: string, username: string, to: string, subject: string, text: string,
 *   code?: string, challenge?: number}} Message
 * @typedef {{name: string, calls: number, left?: number, until?: string, written: string}} Rule
 */

/** How many calls the page keeps. */
const MOST = 500;

export const state = {
  /** @type {string} */ live: "connecting",
  /** When `live` began, in the browser's time. */
  since: Date.now(),
  /** The newest event is older than this many milliseconds. */
  behind: 0,
  note: "",
  /** @type {any} */ clock: null,
  /** @type {Card[]} */ cards: [],
  /** Newest first. @type {Call[]} */ calls: [],
  /** Calls that came since the list was drawn, the oldest first. @type {Call[]} */ held: [],
  isHeld: false,
  /** What the list of calls is filtered by. @type {[string, string][]} */ filter: [],
  filterProblem: "",
  /** @type {Message[]} */ messages: [],
  /** @type {{items: any[], total: number}} */ users: { items: [], total: 0 },
  /** The user that the address names and the list lacks. @type {any} */ user: null,
  /** @type {Rule[]} */ rules: [],
  /** @type {{items: any[], running: any}} */ incidents: { items: [], running: null },
  /** @type {any[]} */ spaces: [],
  /** @type {any[]} */ plays: [],
  version: "",
  /** The version that the server had when the page was loaded differs from that of now. */
  isStale: false,
  sound: false,
  isReady: false,
  /** The calls were read once. */
  hasCalls: false,
};

/** How challenges ended, by their number. @type {Map<number, any>} */
const endings = new Map();

/** @type {() => void} */
let draw = () => {};
let isDue = false;
let isSoon = false;
/** Until when news wait, in the browser's time. */
let rest = 0;

/** Draws the page again in the next frame: for what the person does. */
export function changed() {
  if (isDue) return;
  isDue = true;
  const now = () => {
    isDue = false;
    const start = performance.now();
    mergeCalls();
    draw();
    // A timer runs after the frame is painted: news take a quarter of the time at most.
    setTimeout(() => (rest = performance.now() + Math.max(60, 3 * (performance.now() - start))));
  };
  // A hidden tab has no frames.
  if (document.hidden) setTimeout(now, 200);
  else requestAnimationFrame(now);
}

/** Draws the page again for news of the server: many of them become one drawing. */
function soon() {
  if (isSoon) return;
  isSoon = true;
  setTimeout(() => {
    isSoon = false;
    changed();
  }, Math.max(0, rest - performance.now()));
}

/** The parts of the page that tell time: they are drawn again twice a second. @type {Set<{forceUpdate: () => void}>} */
export const ticking = new Set();

/** @param {() => void} drawing */
export function drawWith(drawing) {
  draw = drawing;
}

/** The space's time now, in milliseconds since 1970: as far as the page knows its clock. */
export function now() {
  const it = state.clock;
  if (!it) return Date.now();
  const passed = it.pace === "frozen" ? 0 : (performance.now() - it.read) * (it.rate ?? 1);
  return it.at + passed;
}

/** @param {any} clock an answer of the API */
export function setClock(clock) {
  state.clock = { pace: clock.pace, rate: clock.rate, at: Date.parse(clock.now), read: performance.now() };
  soon();
}

export const refreshClock = async () => setClock(await ask("GET", "/clock"));

/** Runs at most each `time` milliseconds, and once more for what came in between. @param {() => Promise<any>} run */
function throttled(run, time = 150) {
  let isRunning = false;
  let again = false;
  const go = async () => {
    if (isRunning) {
      again = true;
      return;
    }
    isRunning = true;
    const start = performance.now();
    await run().catch(report);
    // A long list is asked for less often.
    const pause = Math.max(time, 2 * (performance.now() - start));
    setTimeout(() => {
      isRunning = false;
      if (again) {
        again = false;
        go();
      }
    }, pause);
  };
  return go;
}

/** Tells of a failure in the page. @param {unknown} error */
export function report(error) {
  if (error instanceof Refused && error.status === 401) return reach("token");
  if (error instanceof Refused && error.kind === "unknown-space") return reach("dropped");
  say(error instanceof Error ? error.message : String(error), true);
}

let hush = 0;

/** Says something for a while, in the region that screen readers follow. */
export function say(/** @type {string} */ text, isBad = false) {
  const region = /** @type {HTMLElement} */ (document.getElementById("said"));
  region.textContent = text;
  region.classList.toggle("bad", isBad);
  clearTimeout(hush);
  hush = setTimeout(() => (region.textContent = ""), isBad ? 9000 : 4000);
}

/** Takes what is known of a challenge now. @param {Card} card @param {Challenge} it */
function take(card, it) {
  if (it.state !== card.c.state) card.entry = "";
  // One that is as it was stays the same object, which needs no drawing.
  if (JSON.stringify(it) !== JSON.stringify(card.c)) card.c = it;
}

/** One challenge: the list of many takes longer. @param {Card} card */
export async function refreshCard(card) {
  const { open } = await ask("GET", `/challenges/${card.c.id}`).catch(() => ({}));
  if (!open) return refreshCards();
  take(card, open);
  changed();
}

/** The open challenges in their order: new ones at the end, and ended ones where they were. */
export const refreshCards = throttled(async () => {
  const { items } = await ask("GET", "/challenges");
  /** @type {Map<number, Challenge>} */
  const open = new Map(items.map((/** @type {Challenge} */ it) => [it.id, it]));
  for (const card of state.cards) {
    const it = open.get(card.c.id);
    if (it) take(card, it);
    else card.ended ??= { ...endings.get(card.c.id), at: now() };
    open.delete(card.c.id);
  }
  for (const c of open.values()) {
    state.cards.push({ c, ended: null, entry: "" });
    if (state.isReady && rings(c)) announce(c);
  }
  sweep();
  ringWhile(state.cards.some((it) => !it.ended && rings(it.c)));
  soon();
});

/** Tells a card how it ended, where the list said that it did before the event came. @param {number} id */
function tellEnding(id) {
  const card = state.cards.find((it) => it.c.id === id);
  if (card?.ended) card.ended = { ...endings.get(id), at: card.ended.at };
}

/** Whether a challenge asks for attention. @param {Challenge} c */
export const rings = (c) => c.state === "ringing" || c.state === "deciding";

/** Whether an act ends the list's peace: the pointer or the focus is in it. */
const isUsed = () => document.querySelector(".cards:hover, .cards:focus-within") !== null;

/** Takes ended cards away, once they were seen and neither pointer nor focus is among the cards. */
function sweep() {
  if (isUsed()) return;
  const left = state.cards.filter((it) => !it.ended || now() - it.ended.at < 12_000 || state.clock?.pace === "frozen");
  if (left.length < state.cards.length) {
    state.cards = left;
    soon();
  }
}

/** Takes all ended cards away. */
export function clearEnded() {
  state.cards = state.cards.filter((it) => !it.ended);
  changed();
}

/** A number in groups, as people read it. @param {string | undefined} number */
export function grouped(number) {
  const match = /^\+?1 ?(\d{3})(\d{3})(\d{4})(.*)$/.exec(number ?? "");
  return match ? `+1 ${match[1]} ${match[2]} ${match[3]}${match[4]}` : (number ?? "");
}

/** One announcement for each ring. @param {Challenge} c */
function announce(c) {
  const what = c.channel === "voice" ? "Ringing" : c.channel === "text" ? "Text message" : "Approval";
  const region = /** @type {HTMLElement} */ (document.getElementById("ring"));
  region.textContent = `${what}: ${c.name ?? c.owner ?? c.username}, ${grouped(c.phone)}`;
}

/** What the list of calls is filtered by, as it is shown. */
let listed = state.filter;

/** The calls that the filter lets through, afresh. A list that is held stays as it is. */
export const refreshCalls = throttled(async () => {
  const filter = state.filter;
  try {
    const list = await ask("GET", `/calls${query([...filter, ["limit", "200"]])}`);
    const isAny = !filter.some((it) => it[0] === "state");
    const open = isAny ? await ask("GET", `/calls${query([...filter, ["state", "open"]])}`) : { items: [] };
    if (filter !== state.filter) return;
    state.filterProblem = "";
    if (state.isHeld && state.hasCalls && filter === listed) {
      state.held.push(...list.items);
      return;
    }
    listed = filter;
    state.hasCalls = true;
    state.held = [];
    const known = new Map(state.calls.map((it) => [it.seq, it]));
    /** @param {Call} it */
    const same = (it) => (known.get(it.seq)?.state === it.state ? known.get(it.seq) : it) ?? it;
    state.calls = [...open.items, ...list.items].map(same).sort((a, b) => b.seq - a.seq);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 400) throw error;
    state.filterProblem = error.message;
    state.calls = [];
  }
  soon();
}, 400);

/** @param {[string, string][]} filter */
export function setFilter(filter) {
  state.filter = filter;
  refreshCalls();
}

/** Holds the list of calls as it is, or lets it go on. */
export function hold(/** @type {boolean} */ on) {
  if (on === state.isHeld) return;
  state.isHeld = on;
  if (!on && state.filter.length) refreshCalls();
  changed();
}

/** Takes the calls that came into the list, unless it is held. */
function mergeCalls() {
  if (state.isHeld || !state.held.length) return;
  const all = new Map([...state.calls, ...state.held].map((it) => [it.seq, it]));
  state.calls = [...all.values()].sort((a, b) => b.seq - a.seq).slice(0, MOST);
  state.held = [];
}

/** @param {Call} call */
function addCall(call) {
  state.held.push(call);
  if (state.held.length > 4 * MOST) state.held = state.held.slice(-2 * MOST);
}

let wanted = "";

export const refreshUsers = throttled(async () => {
  const [first, ...more] = wanted.split(/\s+/);
  /** What is asked for: a number, first and last name, or a part of any name. @type {[string, string][][]} */
  let by = ["username", "first_name", "last_name"].map((it) => [[it, `*${wanted}*`]]);
  if (!wanted) by = [[]];
  else if (/^[\d+() -]*\d[\d+() -]*$/.test(wanted)) by = [[["phone", `*${wanted.replace(/\D/g, "")}*`]]];
  else if (more.length) by = [[["first_name", `*${first}*`], ["last_name", `*${more.join(" ")}*`]]];
  const lists = await Promise.all(by.map((it) => ask("GET", `/users${query(it)}`)));
  const items = [...new Map(lists.flatMap((it) => it.items).map((it) => [it.username, it])).values()];
  state.users = { items, total: Math.max(items.length, ...lists.map((it) => it.total)) };
  // The address may name a user that the list lacks.
  const name = new URLSearchParams(location.search).get("user");
  const isListed = !name || items.some((it) => it.username === name);
  state.user = isListed ? null : await ask("GET", `/users/${encodeURIComponent(name)}`).catch(() => null);
  soon();
}, 400);

/** @param {string} text a part of a name or number */
export function findUsers(text) {
  wanted = text.trim();
  refreshUsers();
}

export const refreshRules = throttled(async () => {
  state.rules = (await ask("GET", "/rules")).items;
  soon();
}, 1000);

export const refreshIncidents = throttled(async () => {
  state.incidents = await ask("GET", "/incidents");
  soon();
}, 400);

export const refreshSpaces = throttled(async () => {
  state.spaces = (await ask("GET", "/spaces")).items;
  soon();
}, 400);

const refreshMessages = throttled(async () => {
  state.messages = (await ask("GET", "/messages?limit=200")).items;
  soon();
});

/** What is looked at beside phone and calls: it follows changes only then. @type {Set<string>} */
export const shown = new Set();

/** @param {string} kind @param {any} data */
function onEvent(kind, data) {
  lastEvent = performance.now();
  if (data?.at && state.clock) {
    const at = Date.parse(data.at);
    const age = now() - at;
    // A clock that was moved by another client shows in its events.
    if (age < -1000) refreshClock().catch(report);
    state.behind = age > 3000 && state.clock.pace === "real" ? age : 0;
  }
  switch (kind) {
    case "challenge":
      if (data.stage === "settled" || (data.stage === "closed" && !endings.has(data.challenge))) {
        endings.set(data.challenge, data);
        if (endings.size > 2000) endings.delete([...endings.keys()][0]);
      }
      if (data.stage === "closed") endings.set(data.challenge, { ...data, succeeds: data.passed });
      tellEnding(data.challenge);
      refreshCards();
      break;
    case "call":
    case "call.closed":
    case "call.opened":
      if (!state.filter.length || state.isHeld) addCall(data);
      else if (shown.has("calls")) refreshCalls();
      if (shown.has("rules")) refreshRules();
      break;
    case "message":
      if (!state.messages.some((it) => it.seq === data.seq)) state.messages.push(data);
      if (state.messages.length > 200) state.messages.shift();
      break;
    case "change":
      if (data.incident) {
        say(`${data.detail}.`);
        refreshIncidents();
      }
      if (shown.has("people")) refreshUsers();
      refreshRules();
      break;
    case "notice":
      say(data.text);
      break;
    case "lost":
      say("Some events are forgotten. The lists are read again.");
      state.hasCalls = false;
      load().catch(report);
      break;
    case "reset":
      say("The space was reset. The lists are read again.");
      state.hasCalls = false;
      load().catch(report);
      break;
  }
  soon();
}

/** @param {string} live */
function reach(live) {
  if (live === state.live) return;
  const came = live === "live" && state.isReady;
  state.live = live;
  state.since = Date.now();
  state.behind = 0;
  if (came) load().catch(report);
  changed();
}

/** Reads everything that is shown. */
export async function load() {
  const { version } = await ask("GET", "/readyz");
  state.isStale = Boolean(state.version) && version !== state.version;
  state.version ||= version;
  await refreshClock();
  if (!isDevice) refreshCalls();
  refreshCards();
  refreshMessages();
  if (!isDevice) {
    refreshRules();
    refreshIncidents();
  }
  for (const it of shown) ({ people: refreshUsers, rules: refreshRules, spaces: refreshSpaces })[it]?.();
}

/** Starts: reads the lists, then follows what happens after them. */
export async function start() {
  try {
    const first = isDevice ? await ask("GET", "/messages?limit=0") : await ask("GET", "/calls?limit=0");
    await load();
    await new Promise((done) => setTimeout(done, 50));
    state.isReady = true;
    follow(String(first.next), onEvent, reach);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return reach("token");
    if (error instanceof Refused && error.kind === "unknown-space") return reach("dropped");
    reach("reconnecting");
    setTimeout(start, 2000);
  }
}

// The page counts time: it draws while a challenge runs, and sweeps.
let ticks = 0;
let lastEvent = 0;
setInterval(() => {
  sweep();
  if (state.behind && performance.now() - lastEvent > 2000) {
    state.behind = 0;
    soon();
  }
  // Other clients move the clock and start the space over, which no event tells.
  if (++ticks % 10 === 0 && state.live === "live" && !document.hidden) {
    refreshClock().catch(report);
    if (state.cards.length) refreshCards();
  }
  if (!document.hidden) for (const it of ticking) it.forceUpdate();
}, 500);
