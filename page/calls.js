// @ts-check
/** The calls: a live list with a filter in the API's own words, and one call as a story. */
import { ask, Refused } from "./api.js";
import { hold, report, shown, state } from "./store.js";
import { address, Button, Choice, clockTime, Component, copy, Empty, go, grouped, html, Icon, kept, Time, Xml } from "./ui.js";

/** Reads `name=value`, with quotes where a value has blanks. @param {string} text @returns {[string, string][]} */
export function readFilter(text) {
  /** @type {[string, string][]} */
  const found = [];
  for (const it of text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)) found.push([it[1], it[2] ?? it[3]]);
  const rest = text.replace(/([\w.]+)=(?:"[^"]*"|\S*)/g, "").trim();
  // A word alone is a part of a user's name.
  if (rest) found.push(["username", `*${rest}*`]);
  return found;
}

/** @param {[string, string][]} filter */
export const writeFilter = (filter) => filter.map(([name, value]) => `${name}=${/\s/.test(value) ? `"${value}"` : value}`).join(" ");

/** How a call ended, in words. @param {import("./store.js").Call} call */
export const outcomeOf = ({ state, outcome, call_result, ending }) =>
  state === "open" ? "open" : ending ? `${outcome.split(" ")[0]} · ${call_result} ${ending}` : outcome.replace(/ by ".*"$/, "");

/** The look of an outcome. @param {import("./store.js").Call} call */
export function lookOf(call) {
  if (call.state === "open") return "on";
  if (call.status !== 200 || call.outcome.startsWith("fault")) return "warn";
  return call.outcome.startsWith("true") ? "yes" : "no";
}

const Row = kept(({ call, isChosen }) => html`
  <a class="row" href=${address({ view: "calls", call: String(call.seq) })} aria-current=${isChosen ? "true" : undefined}
    onClick=${(/** @type {MouseEvent} */ it) => go(it, { view: "calls", call: String(call.seq) })}>
    <span class="dot ${lookOf(call)}"></span><${Time} at=${call.at} />
    <strong>${call.operation || "No operation"}</strong><span class="of">${call.number ? grouped(call.number) : call.username}</span>
    <span class="outcome">${outcomeOf(call)}</span>
    <span class="quiet rule">${call.rule ?? ""}</span>
    <span class="quiet ms">${call.state === "open" ? "" : `${call.milliseconds < 10 ? call.milliseconds.toFixed(1) : Math.round(call.milliseconds)} ms`}</span></a>`);

/** One call: who called, what decided, what happened, and what went over the wire. */
class Story extends Component {
  constructor() {
    super();
    /** @type {any} */ this.state = { whole: null, seq: "", wire: "pretty", no: "" };
  }

  async read() {
    const { seq } = this.props;
    if (this.state.seq === seq) return;
    this.setState({ seq, whole: null, no: "" });
    try {
      const whole = await ask("GET", `/calls/${seq}?raw=true`);
      if (this.state.seq === seq) this.setState({ whole });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) report(error);
      else this.setState({ no: error.message });
    }
  }

  componentDidMount() {
    this.read();
  }

  componentDidUpdate() {
    this.read();
  }

  render() {
    const { whole, wire, no } = this.state;
    const close = html`<a class="button quiet" href=${address({ view: "calls" })} onClick=${(/** @type {MouseEvent} */ it) => go(it, { view: "calls" })}><${Icon} name="cross" /><span>Close</span></a>`;
    if (!whole) return html`<section class="story panel" aria-label="Call"><div class="bar"><h2>Call ${this.props.seq}</h2>${close}</div><p class="quiet">${no || "Reading …"}</p></section>`;
    const { call, explained, copies } = whole;
    return html`<section class="story panel" aria-label="Call ${call.seq}">
      <div class="bar"><h2>${call.operation || "No operation"}</h2>${close}</div>
      <p class="quiet">#${call.seq} · <${Time} at=${call.at} /> · ${call.caller} by ${call.sign_in}${call.rule ? ` · rule ${call.rule}` : ""}</p>
      <ol class="told">${explained.map((/** @type {string} */ it) => html`<li>${it.replace(/^(\d{4}-\d\d-\d\dT[\d:.]+Z)/, (at) => clockTime(at))}</li>`)}</ol>
      ${copies && html`<div class="acts">${Object.entries(copies).map(([name, text]) => html`
        <${Button} key=${name} icon="copy" label=${`Copy as ${name}`} onClick=${() => copy(String(text), `Copied as ${name}`)} />`)}</div>`}
      <h3>Fields</h3>
      <dl class="fields">${Object.entries(whole.fields).map(([name, value]) => html`<div><dt>${name}</dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}</dl>
      <div class="bar"><h3>On the wire</h3><${Choice} name="wire" label="Form" options=${[["pretty", "Pretty"], ["raw", "Raw"]]} value=${wire} onChange=${(/** @type {string} */ it) => this.setState({ wire: it })} /></div>
      ${["request", "answer"].map((it) => html`<h4>${it === "request" ? "Request" : "Answer"}</h4>
        <pre tabindex="0" aria-label=${it}>${whole[it] ? (wire === "pretty" ? html`<${Xml} text=${whole[it]} />` : whole[it]) : "Nothing."}</pre>`)}
    </section>`;
  }
}

const PRESSES = ["pointerdown", "pointerup", "pointercancel"];

export class CallsView extends Component {
  constructor() {
    super();
    /** Held by the button, and not by scrolling. */
    this.isHeld = false;
    this.isPressed = false;
    /** @param {Event} event */
    this.onPress = (event) => {
      this.isPressed = event.type === "pointerdown" && event.target instanceof Element && event.target.closest(".rows") !== null;
      // What is pressed stays under the pointer until its click has come.
      if (this.isPressed) this.look();
      else setTimeout(() => this.look());
    };
    this.onSelect = () => this.look();
  }

  componentDidMount() {
    document.addEventListener("selectionchange", this.onSelect);
    document.addEventListener("scroll", this.onSelect, { passive: true });
    for (const it of PRESSES) document.addEventListener(it, this.onPress);
    shown.add("calls");
  }

  componentWillUnmount() {
    document.removeEventListener("selectionchange", this.onSelect);
    document.removeEventListener("scroll", this.onSelect);
    for (const it of PRESSES) document.removeEventListener(it, this.onPress);
    shown.delete("calls");
    hold(false);
  }

  /** The list is held while it is scrolled or has selected text: nothing moves under the eyes. */
  look() {
    const selection = getSelection();
    const isSelecting = selection && !selection.isCollapsed && document.querySelector(".calls")?.contains(selection.anchorNode);
    hold(this.isHeld || this.isPressed || scrollY > 160 || Boolean(isSelecting));
  }

  render() {
    const { calls, held, isHeld, filter, filterProblem } = state;
    const { call } = this.props;
    const more = isHeld ? new Set(held.filter((it) => it.seq > (calls[0]?.seq ?? 0)).map((it) => it.seq)).size : 0;
    /** @param {SubmitEvent} event */
    const search = (event) => {
      const text = /** @type {HTMLFormElement} */ (event.target).filter.value;
      go(event, { view: "calls", ...Object.fromEntries(readFilter(text)) });
    };
    const toggle = () => {
      this.isHeld = !isHeld;
      hold(this.isHeld);
      if (!this.isHeld) scrollTo({ top: 0 });
    };
    return html`<div class="calls view ${call ? "split" : ""}">
      <section aria-label="Calls">
        <div class="bar"><h2>Calls</h2>
          <form class="search" role="search" onSubmit=${search}>
            <input name="filter" type="search" key=${writeFilter(filter)} defaultValue=${writeFilter(filter)} aria-label="Filter calls" placeholder="operation=PfAuthUser* call_result=101" /><button class="button">Filter</button></form>
          <${Button} kind="quiet" label=${isHeld ? "Go on" : "Pause"} onClick=${toggle} aria-pressed=${String(isHeld)} /></div>
        ${filterProblem && html`<p class="note bad" role="alert">${filterProblem}</p>`}
        <p class="note" role="status">${more ? `${more} more ${more === 1 ? "call" : "calls"} came in while the list is held.` : ""}</p>
        ${calls.length === 0 && state.hasCalls && !filterProblem && html`<${Empty} icon="list" title=${filter.length ? "No call fits the filter" : "No calls yet"}>
          <p>${filter.length ? "Conditions are those of the API: name=value, with * for anything." : "Every request to the service appears here, with the reason for its answer."}</p><//>`}
        <div class="rows">${calls.map((it) => html`<${Row} key=${it.seq} call=${it} isChosen=${String(it.seq) === call} />`)}</div>
      </section>
      ${call && html`<${Story} seq=${call} />`}
    </div>`;
  }
}
