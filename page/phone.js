// @ts-check
/** The phone: a card for each open challenge, and the messages that went out. */
import { ask, isDevice } from "./api.js";
import { changed, clearEnded, now, refreshCard, refreshRules, rings, say, state } from "./store.js";
import { canSpeak, keyTone, setSound, speak } from "./sound.js";
import { Avatar, Button, Component, Copy, doing, Empty, grouped, html, Icon, kept, span, ticks, Time, until } from "./ui.js";
import { Play } from "./play.js";

/** The rule by which the page has the acts of all people. */
const MINE = "You decide on the page";

/** @typedef {import("./store.js").Card} Card */

/** Acts of one challenge follow one another. @type {Map<number, Promise<any>>} */
const queues = new Map();

/** @param {Card} card @param {any} act */
export function act(card, act) {
  const id = card.c.id;
  const run = () => ask("POST", `/challenges/${id}/act`, { act });
  const done = (queues.get(id) ?? Promise.resolve()).then(run, run);
  queues.set(id, done);
  return done.finally(() => {
    if (queues.get(id) === done) queues.delete(id);
    refreshCard(card);
  });
}

/** @param {Card} card @param {string} key */
async function press(card, key) {
  keyTone(key);
  card.entry = key === "#" ? "" : card.entry + key;
  changed();
  await act(card, { presses: key });
}

/** The acts that are possible now: key, label, picture, look, and what is done. @param {Card} card @returns {any[]} */
export function actsOf(card) {
  const { c } = card;
  /** @param {string} it */
  const can = (it) => !card.ended && c.acts.includes(it);
  const all = [];
  if (can("answers")) all.push(["A", "Answer", "phone", "yes", "answers"]);
  if (can("enters")) {
    if (c.asks === "pin") {
      all.push(["P", "Enter PIN", "check", "", { enters: "pin" }], ["W", "Wrong PIN", "cross", "", { enters: "wrong-pin" }]);
    }
    all.push(["F", "Fraud code", "", "warn", { enters: "fraud-code" }]);
  }
  if (can("hangs-up")) all.push(["H", c.state === "answered" ? "Hang up" : "Decline", "hang", "no", "hangs-up"]);
  if (can("approves")) all.push(["A", "Approve", "check", "yes", "approves"]);
  if (can("denies")) all.push(["D", "Deny", "cross", "no", "denies"]);
  if (can("approves") && c.asks === "pin") all.push(["W", "Wrong PIN", "", "", { approves: "wrong-pin" }]);
  if (can("reports-fraud")) all.push(["F", "Report fraud", "", "warn", "reports-fraud"]);
  if (can("replies")) {
    all.push(["R", "Reply with code", "check", "yes", { replies: "code" }], ["W", "Wrong code", "cross", "no", { replies: "wrong-code" }]);
  }
  if (can("voicemail")) all.push(["V", "Voicemail", "", "", "voicemail"]);
  if (can("lets-it-ring")) all.push(["L", "Let it ring", "", "", "lets-it-ring"]);
  return all;
}

/** @param {Card} card */
export const personOf = ({ c }) => c.name ?? c.owner ?? (c.phone ? grouped(c.phone) : c.username);

/** @type {Record<string, string>} */
const WAYS = { voice: "phone", text: "text", app: "app", oath: "token" };

/** A state in a word, and its look. @param {Card} card @returns {[string, string]} */
export function statusOf({ c, ended }) {
  if (ended) {
    if (ended.succeeds === undefined) return ["Ended", ""];
    return ended.succeeds ? ["Passed", "yes"] : ["Denied", "no"];
  }
  if (c.state === "answered") return ["In call", "on"];
  if (c.state === "waiting") return ["Waits for the code", "on"];
  return [c.channel === "voice" ? "Ringing" : c.channel === "app" ? "Asks to approve" : "Waits for a reply", "ring"];
}

const Left = ticks(({ c }) => {
  const all = Date.parse(c.gives_up) - Date.parse(c.since);
  const left = until(c.gives_up);
  return html`<div class="left">
    <progress max="1" value=${Math.min(1, Math.max(0, left / all))} aria-label="Time left"></progress>
    <span>${span(now() - Date.parse(c.since))}</span><span>ends in ${span(left)}</span></div>`;
});

/** @param {{card: Card}} props */
export const Keypad = ({ card }) => html`
  <div class="keypad" role="group" aria-label="Keypad: type digits, * and #">
    <output class="entry" aria-label="Entered">${card.c.asks === "pin" ? "•".repeat(card.entry.length) : card.entry}</output>
    ${[..."123456789*0#"].map((key) => html`
      <button type="button" class="key" onClick=${doing(() => press(card, key))}>${key}</button>`)}
  </div>`;

/** What was said: the prompt of a call, or the text of a message. @param {import("./store.js").Challenge} c */
export const wordsOf = (c) => c.says ?? state.messages.findLast((it) => it.challenge === c.id)?.text;

/** @param {{c: import("./store.js").Challenge, text?: string}} props */
export function Said({ c, text }) {
  // A message that is a code and little else is shown by its code.
  if (!text || (c.code && !c.says)) return null;
  return html`<p class="said"><span>${text}</span>
    ${c.says && canSpeak && html`<button type="button" class="mini" onClick=${() => speak(c.says ?? "")}
      aria-label="Speak it"><${Icon} name="sound" /></button>`}</p>`;
}

const Thirty = ticks(() => html`<progress class="thirty" max="30" value=${30 - ((now() / 1000) % 30)} aria-label="Validity of the code"></progress>`);

/** @param {{card: Card}} props */
export const Code = ({ card: { c } }) => c.code && html`
  <div class="code"><strong>${c.code}</strong><${Copy} text=${c.code} label="Copy" what="Code copied" /></div>
  ${c.channel === "oath" && html`<${Thirty} />`}`;

/** Keys act in the card that has the focus, and nowhere else. @param {Card} card @param {KeyboardEvent} event */
export function onKey(card, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  const found = actsOf(card).find((it) => it[0] === event.key.toUpperCase());
  const isKey = /^[\d*#]$/.test(event.key) && !card.ended && card.c.acts.includes("presses");
  if (!found && !isKey) return;
  doing(() => (isKey ? press(card, event.key) : act(card, found[4])))(event);
}

/** @param {{card: Card}} props */
function ReplyField({ card }) {
  /** @param {SubmitEvent} event */
  const send = (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const text = form.text.value.trim();
    if (text) doing(() => act(card, { replies: text }))(event);
    else event.preventDefault();
  };
  return html`<form class="reply" onSubmit=${send}>
    <input name="text" autocomplete="off" aria-label="Reply" placeholder="Another reply" /><button class="button">Send</button></form>`;
}

/** A card changes in place: its properties tell when it needs drawing. */
const PhoneCard = kept(({ card, text }) => {
  const { c, ended } = card;
  const [word, look] = statusOf(card);
  const name = personOf(card);
  const isOut = c.state === "waiting" && c.channel === "text" && !ended;
  return html`
    <article class="card ${look} ${ended ? "ended" : ""}" tabindex="0" aria-label=${`${word}: ${name}`} onKeyDown=${(/** @type {KeyboardEvent} */ it) => onKey(card, it)}>
      <header><span class="pill ${look}"><${Icon} name=${WAYS[c.channel] ?? "phone"} />${word}</span>
        ${ended?.ending && html`<span class="quiet">${ended.call_result} ${ended.ending}</span>`}</header>
      <div class="who"><${Avatar} name=${name} kind=${look} />
        <div><h3>${name}</h3>
          <p>${grouped(c.phone)}${c.owner && c.owner !== name ? ` · ${c.owner}` : ""}</p></div></div>
      ${!ended && html`<${Said} ...${{ c, text }} /><${Code} card=${card} />`}
      ${!ended && c.acts.includes("presses") && html`<${Keypad} card=${card} />`}
      <div class="acts">${actsOf(card).map(([keys, label, icon, kind, what]) => html`
        <${Button} key=${label} ...${{ keys, label, icon, kind }} onClick=${() => act(card, what)} />`)}</div>
      ${!ended && c.acts.includes("replies") && html`<${ReplyField} card=${card} />`}
      ${isOut && !isDevice && html`<${NextTime} card=${card} />`}
      <footer>${!ended && html`<${Left} c=${c} />`}
        <p class="quiet">${c.operation} as ${c.username}${c.application ? ` from ${c.application}` : ""}${c.rule ? html` · rule <em>${c.rule}</em>` : ""}</p></footer>
    </article>`;
});

/** A code is typed where the person signs in: what goes wrong there is a rule for the next time. @param {{card: Card}} props */
const NextTime = ({ card: { c } }) => html`<details class="next"><summary>Next time</summary><div class="acts">
  ${[["Mistyped", "wrong-code"], ["Too late", "no-answer"], ["Not sent", "text-not-sent"]].map(([label, outcome]) => html`
    <${Button} key=${label} label=${label} onClick=${() => nextTime(c.phone ? { phone: c.phone } : { user: c.username }, { outcome }, label)} />`)}</div></details>`;

/** Has the next call of someone end so. @param {any} when @param {any} answer @param {string} label */
export async function nextTime(when, answer, label) {
  const who = when.user ?? when.phone;
  const name = `Next time ${who}: ${label.toLowerCase()} (${Date.now() % 100000})`;
  await ask("POST", "/rules?times=1", { name, when, ...answer });
  say(`Next time, for ${who}: ${label.toLowerCase()}.`);
  refreshRules();
}

/** How many cards are drawn: more make no sense to a person, and hold up the page. */
const CARDS = 60;

function Threads() {
  /** @type {Map<string, import("./store.js").Message[]>} */
  const threads = new Map();
  for (const it of state.messages) {
    const key = it.to || `App of ${it.username}`;
    threads.set(key, [...(threads.get(key) ?? []), it]);
  }
  return html`<section class="panel" aria-label="Messages"><h2>Messages</h2>
    ${threads.size === 0 && html`<p class="quiet">Text messages, notifications and mails appear here, with their codes.</p>`}
    ${[...threads].slice(-12).map(([to, all]) => html`
      <div class="thread" key=${to}><h3>${grouped(to)}</h3>
        ${all.slice(-5).map((it) => html`<div class="bubble" key=${it.seq}>
          ${it.subject && html`<b>${it.subject}</b> `}${it.text}
          ${it.code && html`<div class="code"><strong>${it.code}</strong><${Copy} text=${it.code} label="Copy" what="Code copied" /></div>`}
          <span class="quiet"><${Time} at=${it.at} /> · ${it.username}</span></div>`)}</div>`)}</section>`;
}

/** Whether the page has the acts of all people. */
const isMine = () => state.rules.some((it) => it.name === MINE);

async function toggleMine() {
  if (isMine()) await ask("DELETE", `/rules/${encodeURIComponent(MINE)}`);
  else await ask("POST", "/rules", { name: MINE, when: { operation: "authentication" }, person: "decides", within: "90s" });
  refreshRules();
}

export function toggleSound() {
  state.sound = !state.sound;
  setSound(state.sound);
  changed();
}

export class PhoneView extends Component {
  render() {
    const { cards } = state;
    const open = cards.filter((it) => !it.ended);
    const ringing = open.filter((it) => rings(it.c)).length;
    return html`<div class="phone view">
      <section class="cards" aria-label="Phones">
        <div class="bar"><h2>${ringing ? `${ringing} ${ringing === 1 ? "asks" : "ask"} for an answer` : "Phones"}</h2>
          <label class="switch"><input type="checkbox" role="switch" checked=${isMine()} onChange=${doing(toggleMine)} /><span>You answer every phone</span></label>
          ${cards.length > open.length && html`<${Button} kind="quiet" label="Clear ended" onClick=${clearEnded} />`}</div>
        ${cards.length === 0 && html`<${Empty} icon="phone" title="No phone rings">
          <p>When MIM asks for a second factor, the phone of that person rings here. Answer it, enter a PIN, report fraud.</p>
          <p>${isMine() ? "You have 90 seconds for each." : "Rules and magic numbers act for people. Turn on “You answer every phone” to do it yourself."}</p><//>`}
        <div class="grid">${cards.slice(0, CARDS).map((card) => html`<${PhoneCard} key=${card.c.id} text=${wordsOf(card.c)} ...${{ card, ...card }} />`)}</div>
        ${cards.length > CARDS && html`<p class="quiet">${cards.length - CARDS} more are open. Those above come first.</p>`}
      </section>
      <aside class="side"><${Play} /><${Threads} /></aside>
    </div>`;
  }
}
