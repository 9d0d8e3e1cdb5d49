// @ts-check
/** The frame of the page: which view is shown, how the connection stands, and the start. */
import { render } from "./vendor/preact.mjs";
import { isDevice, setToken, space } from "./api.js";
import { changed, drawWith, refreshRules, refreshUsers, rings, setFilter, start, state } from "./store.js";
import { PhoneView, toggleSound } from "./phone.js";
import { CallsView } from "./calls.js";
import { Banner, Incidents } from "./incidents.js";
import { PeopleView, RulesView } from "./people.js";
import { Clock, ScenarioView } from "./scenario.js";
import { Stage } from "./stage.js";
import { Numbers } from "./play.js";
import { address, Button, clockTime, go, html, Icon, span } from "./ui.js";

/** @type {[string, string, string][]} */
const VIEWS = [["phone", "Phone", "phone"], ["calls", "Calls", "list"], ["people", "People", "people"], ["rules", "Rules", "rules"], ["scenario", "Scenario", "file"]];

/** How the connection stands, in words. @returns {[string, string]} */
function standing() {
  if (state.live === "live" && state.behind) return [`Behind by ${span(state.behind)}`, "warn"];
  if (state.live === "live") return ["Live", "yes"];
  if (state.live === "reconnecting") return [`Reconnecting since ${clockTime(state.since)}`, "no"];
  if (state.live === "dropped") return ["Dropped", "no"];
  if (state.live === "paused") return ["Paused", ""];
  return ["Connecting", ""];
}

const THEMES = ["auto", "light", "dark"];

/** @param {string} theme */
function dress(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("locmfa-theme", theme);
  } catch {
    // The choice lasts as long as the page.
  }
}

const nextTheme = () => {
  const it = document.documentElement.dataset.theme ?? "auto";
  dress(THEMES[(THEMES.indexOf(it) + 1) % THEMES.length]);
  changed();
};

function TokenForm() {
  /** @param {SubmitEvent} event */
  const enter = (event) => {
    event.preventDefault();
    setToken(/** @type {HTMLFormElement} */ (event.target).token.value.trim());
    state.live = "connecting";
    start();
    changed();
  };
  return html`<main class="gate" id="main"><form class="panel" onSubmit=${enter}><h1>locmfa</h1>
    ${isDevice ? html`<p>This telephone is no longer the phone: its token ended. Scan the code again.</p>` : html`
    <p>This server asks for a token: the one of --admin-token-file, or the one that it printed at its start.</p>
    <label>Token<input name="token" type="password" required autocomplete="off" /></label><button class="button yes wide">Enter</button>`}</form></main>`;
}

/** What the page says of its connection, where that is not live. */
function Notes() {
  if (state.isStale) return html`<p class="note strip" role="status">The server has another version now. <a href="">Load the page again</a></p>`;
  if (state.live === "dropped") return html`<p class="note bad strip" role="alert">The space ${space} is gone: it was dropped, or idle for too long. <a href="/">Open the default space</a></p>`;
  if (state.live === "reconnecting") return html`<p class="note bad strip" role="alert">The server does not answer since ${clockTime(state.since)}. The page goes on by itself when it is back.</p>`;
  return null;
}

function App() {
  const params = new URLSearchParams(location.search);
  if (state.live === "token") return html`<${TokenForm} />`;
  if (params.has("stage") || isDevice) return html`<${Notes} /><${Stage} />`;
  const view = VIEWS.some((it) => it[0] === params.get("view")) ? params.get("view") : "phone";
  const ringing = state.cards.filter((it) => !it.ended && rings(it.c)).length;
  const [word, look] = standing();
  document.title = `${ringing ? `(${ringing}) ` : ""}${VIEWS.find((it) => it[0] === view)?.[1]} · ${space === "default" ? "locmfa" : space}`;
  return html`
    <a class="skip" href="#main">To the content</a>
    <header class="top">
      <a class="brand" href=${address({ view: "phone" })} onClick=${(/** @type {Event} */ it) => go(it, { view: "phone" })}><${Icon} name="phone" /><span class="word">locmfa</span>${space !== "default" && html`<small>${space}</small>`}</a>
      <nav aria-label="Views">${VIEWS.map(([key, label, icon]) => html`
        <a key=${key} href=${address({ view: key })} aria-current=${key === view ? "page" : undefined} onClick=${(/** @type {Event} */ it) => go(it, { view: key })}>
          <${Icon} name=${icon} /><span>${label}</span>${key === "phone" && ringing > 0 && html`<b class="badge">${ringing}</b>`}</a>`)}</nav>
      <div class="tools"><span class="pill live ${look}" title="The stream of events"><span>${word}</span></span><${Clock} />
        <${Button} kind="quiet icon-only" icon="sound" label=${state.sound ? "Silence" : "Ring aloud"} onClick=${toggleSound} aria-pressed=${String(state.sound)} />
        <${Button} kind="quiet icon-only" icon="theme" label=${`Theme: ${document.documentElement.dataset.theme}`} onClick=${nextTheme} />
        <a class="button quiet icon-only" href="?stage"><${Icon} name="stage" /><span>Stage</span></a></div>
    </header>
    <${Notes} /><${Banner} />
    <main id="main" tabindex="-1">
      <h1 class="unseen">${VIEWS.find((it) => it[0] === view)?.[1]}</h1>
      ${view === "phone" && html`<${PhoneView} />`}
      ${view === "calls" && html`<${CallsView} call=${params.get("call")} />`}
      ${view === "people" && html`<${PeopleView} user=${params.get("user")} isAdding=${params.has("add")} />`}
      ${view === "rules" && html`<${RulesView} /><${Incidents} />`}
      ${view === "scenario" && html`<${ScenarioView} />`}
    </main><${Numbers} />`;
}

/** Takes the filter of the calls from the address. */
function readAddress() {
  const params = [...new URLSearchParams(location.search)];
  const filter = params.filter(([name]) => !["view", "call", "user", "add", "stage", "device"].includes(name));
  if (JSON.stringify(filter) !== JSON.stringify(state.filter)) setFilter(/** @type {[string, string][]} */ (filter));
  changed();
}

let theme = "auto";
try {
  theme = localStorage.getItem("locmfa-theme") ?? theme;
} catch {
  // Storage is off.
}
document.documentElement.dataset.theme = theme;
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
drawWith(() => render(html`<${App} />`, root));
addEventListener("popstate", readAddress);
state.filter = /** @type {any} */ ([...new URLSearchParams(location.search)].filter(([name]) => !["view", "call", "user", "add", "stage", "device"].includes(name)));
changed();
start();
if (!isDevice) {
  refreshUsers();
  refreshRules();
}
