// @ts-check
/** Plays MIM: the server calls its own service as MIM does, so that the whole loop needs no MIM. */
import { ask } from "./api.js";
import { changed, report, state } from "./store.js";
import { Button, Choice, Component, doing, grouped, html, Icon, Time } from "./ui.js";

/** @type {[string, string][]} */
const GATES = [["phone", "Phone"], ["text", "Text"], ["pam", "PAM role"]];

let gate = "phone";
let number = "+1 4255550100";
/** Why the sign-in cannot be played; empty where it can. */
let cannot = "";
let as = "";
let isAsking = false;

/** Asks how the calls are, until each has ended. */
export async function refreshPlays() {
  if (isAsking) return;
  isAsking = true;
  try {
    for (;;) {
      const list = await ask("GET", "/plays");
      state.plays = list.items.reverse();
      cannot = list.cannot ?? "";
      as = list.account ?? "";
      changed();
      if (!state.plays.some((it) => it.state === "calling")) return;
      await new Promise((done) => setTimeout(done, 400));
    }
  } catch (error) {
    report(error);
  } finally {
    isAsking = false;
  }
}

/** @param {string} of @param {string} to */
export async function call(of = gate, to = number) {
  await ask("POST", "/plays", { gate: of, number: to });
  refreshPlays();
}

/** @type {Record<string, [string, string, string]>} */
const STATES = {
  calling: ["Waits for the answer", "on", "clock"],
  code: ["Wants the code", "on", "text"],
  passed: ["Passed", "yes", "check"],
  denied: ["Denied", "no", "cross"],
  failed: ["No answer", "no", "cross"],
};

/** @param {{play: any}} props */
export function Played({ play }) {
  const [word, look, icon] = STATES[play.state];
  /** @param {SubmitEvent} event */
  const send = (event) => {
    const field = /** @type {HTMLFormElement} */ (event.target).code;
    doing(async () => {
      await ask("POST", `/plays/${play.id}/code`, { code: field.value });
      refreshPlays();
    })(event);
  };
  return html`<li class="played">
    <span class="pill ${look}"><${Icon} name=${icon} />${word}</span>
    <span>${grouped(play.number)} <span class="quiet">${play.gate} · <${Time} at=${play.since} /></span></span>
    ${play.answers.map((/** @type {string} */ it) => html`<code>${it}</code>`)}
    ${play.failure && html`<p>${play.failure.what} ${play.failure.remedy}</p>`}
    ${play.state === "code" && html`<form class="reply" onSubmit=${send}>
      <input name="code" inputmode="numeric" autocomplete="one-time-code" aria-label="Code of the text message" placeholder="Code" required /><button class="button yes">Enter</button></form>`}
  </li>`;
}

export class Play extends Component {
  componentDidMount() {
    refreshPlays();
  }

  render() {
    return html`<section class="panel" aria-label="Play MIM"><h2>Play MIM</h2>
      ${cannot ? html`<p>${cannot}</p>` : html`
      <form onSubmit=${doing(() => call())}>
        <${Choice} name="gate" label="Gate" options=${GATES} value=${gate} onChange=${(/** @type {string} */ it) => { gate = it; changed(); }} />
        <label>Number<input value=${number} list="numbers" onInput=${(/** @type {any} */ it) => (number = it.target.value)} required autocomplete="off" /></label>
        <button class="button yes wide"><${Icon} name="play" /><span>Call as MIM</span></button>
        <p class="quiet">${as ? `Signs in as ${as}. ` : ""}The call goes to this server’s own service, in this space.</p>
      </form>`}
      <ul class="plain">${state.plays.slice(0, 5).map((it) => html`<${Played} key=${it.id} play=${it} />`)}</ul></section>`;
  }
}

export const Numbers = () => html`<datalist id="numbers">${state.users.items.filter((it) => it.phone).map((it) => html`
  <option value=${`+${it.country_code} ${it.phone}`}>${it.username}</option>`)}</datalist>`;
