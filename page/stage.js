// @ts-check
/** The stage: one large phone and a caption, to be read from the last row; and a telephone in the hand as the phone. */
import { ask, isDevice } from "./api.js";
import { changed, report, rings, state } from "./store.js";
import { act, actsOf, Code, Keypad, onKey, personOf, Said, statusOf, toggleSound, wordsOf } from "./phone.js";
import { lookOf, outcomeOf } from "./calls.js";
import { call, Played, refreshPlays } from "./play.js";
import { resetSpace } from "./scenario.js";
import { Avatar, Button, Component, grouped, html, Icon, span, ticks, until } from "./ui.js";

/** The challenge on the stage: it stays until it ends, and until another one asks. @type {number} */
let chosen = 0;
let keysAct = true;
let isAwake = false;
/** @type {any} */
let device = null;

function cardOnStage() {
  const open = state.cards.filter((it) => !it.ended);
  const same = state.cards.find((it) => it.c.id === chosen);
  const it = same && !same.ended ? same : (open.find((it) => rings(it.c)) ?? same ?? open[0] ?? state.cards.at(-1));
  chosen = it?.c.id ?? 0;
  return it;
}

/** Keeps the screen on, where the browser allows it. */
async function wake() {
  try {
    await /** @type {any} */ (navigator).wakeLock.request("screen");
    isAwake = true;
  } catch {
    isAwake = false;
  }
  changed();
}

/** What a browser withholds from a page that came over plain HTTP from another machine. */
const withheld = () => (self.isSecureContext ? "" : "Over plain HTTP the browser withholds the wake lock and the clipboard: keep the screen on yourself, and copy by hand.");

/** A matrix of dark modules, as one path. @param {{rows: string[]}} props */
const Matrix = ({ rows }) => html`<svg class="matrix" viewBox=${`-4 -4 ${rows.length + 8} ${rows.length + 8}`} role="img" aria-label="QR code of the address">
  <path d=${rows.flatMap((row, y) => [...row].map((it, x) => (it === "1" ? `M${x} ${y}h1v1h-1z` : ""))).join("")} /></svg>`;

/** Makes a telephone the phone, by a token that does no more. */
async function connect() {
  try {
    device = await ask("POST", "/devices");
  } catch (error) {
    device = { no: error instanceof Error ? error.message : String(error) };
  }
  changed();
}

async function disconnect() {
  if (device?.id) await ask("DELETE", `/devices/${device.id}`);
  device = null;
  changed();
}

const Device = () => html`<div class="device panel">
  ${device.no ? html`<h2>A telephone as the phone</h2><p>${device.no}</p>` : html`<${Matrix} rows=${device.qr} />
    <div><h2>Scan with a telephone</h2><p>It becomes the phone of this space. It must reach this machine: the same network, and no firewall between.</p>
    <p class="url">${device.url.replace(/#.*/, "")}</p><p class="quiet">It sees challenges and messages of this space, and nothing else. It ends with a reset, a drop, or here.</p></div>`}
  <${Button} label=${device.no ? "Close" : "Disconnect"} onClick=${disconnect} /></div>`;

const Ends = ticks(({ c }) => html`ends in ${span(until(c.gives_up))}`);

export class Stage extends Component {
  constructor() {
    super();
    this.onKey = (/** @type {KeyboardEvent} */ event) => {
      if (!keysAct || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "R" && event.shiftKey && !isDevice) return void resetSpace().catch(report);
      const card = cardOnStage();
      if (card && !(event.target instanceof Element && event.target.closest("a, summary"))) onKey(card, event);
    };
  }

  componentDidMount() {
    document.documentElement.classList.add("staged");
    document.addEventListener("keydown", this.onKey);
    wake();
    document.addEventListener("visibilitychange", wake);
    if (!isDevice) refreshPlays();
  }

  render() {
    const card = cardOnStage();
    const others = state.cards.filter((it) => !it.ended && it !== card);
    const last = state.calls[0];
    const text = state.messages.at(-1);
    return html`<main class="stage" id="main">
      <section class="handset" aria-label="Phone">${card ? this.phone(card) : html`<div class="idle"><${Icon} name="phone" /><h1>No phone rings</h1></div>`}</section>
      <section class="caption" aria-label="What happens">
        ${device ? html`<${Device} />` : this.caption(card)}
        ${others.length > 0 && html`<div class="acts others">${others.slice(0, 4).map((it) => html`<${Button} key=${it.c.id} icon="phone" label=${personOf(it)} onClick=${() => { chosen = it.c.id; changed(); }} />`)}</div>`}
        ${!card && text?.code && html`<p class="bubble">${text.text}</p>`}
        ${!isDevice && last && last.state !== "open" && html`<p class="last"><span class="dot ${lookOf(last)}"></span>${last.operation} <strong>${outcomeOf(last)}</strong></p>`}
        ${!isDevice && state.plays[0] && html`<ul class="plain"><${Played} play=${state.plays[0]} /></ul>`}
      </section>
      <footer class="acts">${!isDevice && html`
          <${Button} icon="play" label="Play MIM" onClick=${() => call()} />
          <${Button} icon="app" label="Use a telephone" onClick=${connect} />
          <${Button} label="Reset" onClick=${resetSpace} keys="Shift+R" />`}
        <${Button} icon="sound" label=${state.sound ? "Silence" : "Ring aloud"} onClick=${toggleSound} />
        <${Button} icon="stage" label="Full screen" onClick=${() => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())} />
        <label class="switch"><input type="checkbox" role="switch" checked=${keysAct} onChange=${() => { keysAct = !keysAct; changed(); }} /><span>Keys act</span></label>
        ${withheld() && html`<p class="quiet">${withheld()}</p>`}
        ${!withheld() && !isAwake && html`<p class="quiet">No wake lock: the screen may go dark.</p>`}
        ${!isDevice && html`<a class="button quiet" href="?view=phone">Leave the stage</a>`}</footer>
    </main>`;
  }

  /** @param {import("./store.js").Card} card */
  phone(card) {
    const [word, look] = statusOf(card);
    const { c, ended } = card;
    return html`<p class="pill ${look}">${word}</p><${Avatar} name=${personOf(card)} kind=${look} />
      <h1>${personOf(card)}</h1><p class="number">${grouped(c.phone)}</p>
      ${!ended && html`<${Code} card=${card} />`}
      ${!ended && c.acts.includes("presses") && html`<${Keypad} card=${card} />`}
      <div class="acts">${actsOf(card).map(([keys, label, icon, kind, what]) => html`<${Button} key=${label} ...${{ keys, label, icon, kind }} onClick=${() => act(card, what)} />`)}</div>`;
  }

  /** @param {import("./store.js").Card | undefined} card */
  caption(card) {
    if (!card) return html`<h2>Waiting for MIM</h2><p>When a person needs the second factor, the phone rings here.</p>`;
    const { c, ended } = card;
    if (ended) return html`<h2 class=${ended.succeeds ? "yes" : "no"}>${ended.succeeds ? "Passed" : "Denied"}</h2><p>${ended.call_result ?? ""} ${ended.ending ?? ""}</p>`;
    return html`<h2>${c.application || "MIM"} asks ${personOf(card)}</h2><${Said} c=${c} text=${wordsOf(c)} />
      <p class="quiet">${c.operation} · <${Ends} c=${c} /></p>`;
  }
}
