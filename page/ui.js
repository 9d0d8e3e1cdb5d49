// @ts-check
/** What all views share: templates, pictures, times, small parts. */
import { Component, h } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";
import { grouped, now, report, say, ticking } from "./store.js";

export { Component, grouped };
/** @type {(parts: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);

/** The address of a view: its parameters say what is shown. @param {Record<string, string>} params */
export const address = (params) => `${location.pathname}?${new URLSearchParams(params)}`;

/** Shows a view, and leaves clicks that open a new tab to the browser. @param {any} event @param {Record<string, string>} params */
export function go(event, params) {
  if (event?.ctrlKey || event?.metaKey || event?.shiftKey) return;
  event?.preventDefault();
  const kept = new URLSearchParams(location.search);
  // The filter of the calls stays while one of them is looked at.
  const isSame = params.view === "calls" && kept.get("view") === "calls" && (event?.type !== "submit");
  const filter = isSame ? [...kept].filter(([name]) => !["view", "call"].includes(name)) : [];
  history.pushState(null, "", address({ ...Object.fromEntries(filter), ...params }));
  dispatchEvent(new PopStateEvent("popstate"));
}

/** A part that is drawn again where a property of it is another one, and not otherwise. @param {(props: any) => any} view */
export const kept = (view) =>
  class extends Component {
    shouldComponentUpdate(/** @type {any} */ next) {
      return Object.keys(next).some((it) => next[it] !== /** @type {any} */ (this.props)[it]);
    }

    render() {
      return view(this.props);
    }
  };

/** A part that tells time. @param {(props: any) => any} view */
export const ticks = (view) =>
  class extends Component {
    componentDidMount() {
      ticking.add(this);
    }

    componentWillUnmount() {
      ticking.delete(this);
    }

    render() {
      return view(this.props);
    }
  };

/** @type {Record<string, string>} */
const PATHS = {
  phone: "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2",
  hang: "M3 13.5c5-5 13-5 18 0l-2.5 3-4-1.5v-3a13 13 0 0 0-5 0v3l-4 1.5z",
  text: "M4 5h16v11H9l-5 4z",
  app: "M8 3h8a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM11 18h2",
  token: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  copy: "M9 9h10v11H9zM5 15V4h10",
  sound: "M4 10v4h4l5 4V6L8 10zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  play: "M8 5l11 7-11 7z",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  people: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-7 7-7s7 3 7 7M16 4a4 4 0 0 1 0 7M18 14c2.5 1 4 3.5 4 7",
  rules: "M5 4v16M12 4v16M19 4v16M3 8h4M10 15h4M17 10h4",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  check: "M5 12l5 5 9-10",
  cross: "M6 6l12 12M18 6L6 18",
  stage: "M3 5h18v12H3zM8 21h8M12 17v4",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  report: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
};

/** @param {{name: string}} props */
export const Icon = ({ name }) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** The time of the day, as this browser's time zone has it. @param {string | number} at */
export const clockTime = (at) => TIME.format(new Date(at));

/** @param {{at: string | number}} props */
export const Time = ({ at }) =>
  html`<time datetime=${new Date(at).toISOString()} title=${new Date(at).toISOString()}>${clockTime(at)}</time>`;

/** Minutes and seconds. @param {number} ms */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** @param {string} at a moment of the space's clock */
export const until = (at) => Date.parse(at) - now();

/** Runs what a button does, and tells of its failure. @param {() => any} act */
export const doing = (act) => async (/** @type {Event} */ event) => {
  event.preventDefault();
  try {
    await act();
  } catch (error) {
    report(error);
  }
};

/** A button with its key. @param {any} props */
export const Button = ({ onClick, icon, label, keys, kind, ...rest }) => html`
  <button type="button" class="button ${kind ?? ""}" onClick=${doing(onClick)} aria-keyshortcuts=${keys} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}<span>${label}</span>${keys && html`<kbd aria-hidden="true">${keys}</kbd>`}
  </button>`;

/** Copies a text; over plain HTTP to another machine the browser withholds the clipboard. @param {string} text */
export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what}.`);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    say(done ? `${what}.` : "The browser withholds the clipboard here: select the text and copy it.", !done);
  }
}

/** @param {{text: string, label: string, what?: string}} props */
export const Copy = ({ text, label, what }) =>
  html`<${Button} kind="quiet" icon="copy" label=${label} onClick=${() => copy(text, what ?? `${label}: copied`)} />`;

/** A person's initials. @param {{name: string, kind?: string}} props */
export function Avatar({ name, kind }) {
  const words = name.replace(/@.*/, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  const initials = words.slice(0, 2).map((it) => [...it][0]).join("");
  return html`<span class="avatar ${kind ?? ""}" aria-hidden="true">${initials.toUpperCase() || "#"}</span>`;
}

/** A choice of a few. @param {{name: string, label: string, options: [string, string][], value: string, onChange: (it: string) => void}} props */
export const Choice = ({ name, label, options, value, onChange }) => html`
  <fieldset class="choice"><legend>${label}</legend>
    ${options.map(([key, text]) => html`
      <label><input type="radio" name=${name} checked=${key === value} onChange=${() => onChange(key)} /><span>${text}</span></label>`)}
  </fieldset>`;

/** What is shown where there is nothing. @param {any} props */
export const Empty = ({ icon, title, children }) => html`
  <div class="empty"><${Icon} name=${icon} /><h2>${title}</h2>${children}</div>`;

/** XML with indents, in pieces with classes: text stays text. @param {{text: string}} props */
export function Xml({ text }) {
  let depth = 0;
  const parts = text.split(/(<[^>]*>)/).filter((it) => it.trim());
  const lines = [];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at];
    if (part.startsWith("</")) depth--;
    const indent = "  ".repeat(Math.max(0, depth));
    const isOpening = /^<[^/?!]/.test(part) && !part.endsWith("/>");
    // An element with a text alone stands in one line.
    if (isOpening && parts[at + 2]?.startsWith("</") && !parts[at + 1].startsWith("<")) {
      lines.push(html`${indent}<b>${part}</b>${parts[at + 1]}<b>${parts[at + 2]}</b>${"\n"}`);
      at += 2;
      continue;
    }
    lines.push(part.startsWith("<") ? html`${indent}<b>${part}</b>${"\n"}` : html`${indent}${part.trim()}${"\n"}`);
    if (isOpening) depth++;
  }
  return html`<code>${lines}</code>`;
}
