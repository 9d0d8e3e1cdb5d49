// @ts-check
/** The text of the scenario, spaces, and what leaves the page as a file. */
import { ask, base, query, Refused, space } from "./api.js";
import { changed, load, now, refreshSpaces, report, say, setClock, shown, state } from "./store.js";
import { Button, Choice, clockTime, Component, doing, html, Icon, ticks, Time } from "./ui.js";

/** Offers a text as a file. @param {string} name @param {string} text @param {string} type */
function save(name, text, type = "application/yaml") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Where a record of acts begins; none: it covers all that is kept. */
let since = { cursor: "", at: 0 };

export async function saveReport() {
  save(`locmfa-${space}.html`, await ask("GET", "/report"), "text/html");
}

/** @param {{mistakes: any[]}} props */
const Mistakes = ({ mistakes }) => html`<ul class="plain mistakes">${mistakes.map((it) => html`
  <li class="note ${it.severity === "warning" ? "" : "bad"}"><b>${it.line ? `Line ${it.line}: ` : ""}</b>${it.message}${(it.help ?? []).map((/** @type {string} */ help) => html`<br />${help}`)}</li>`)}</ul>`;

export class ScenarioView extends Component {
  constructor() {
    super();
    /** @type {any} */ this.state = { text: "", result: null, isBusy: false };
  }

  componentDidMount() {
    shown.add("spaces");
    refreshSpaces();
    this.read();
  }

  componentWillUnmount() {
    shown.delete("spaces");
  }

  async read() {
    try {
      this.setState({ text: await ask("GET", "/scenario"), result: null });
    } catch (error) {
      report(error);
    }
  }

  async check() {
    this.setState({ result: await ask("POST", "/scenario/check", this.state.text) });
  }

  async swap() {
    try {
      this.setState({ result: await ask("PUT", "/scenario", this.state.text) });
      await load();
      say("The space has started over from this text.");
    } catch (error) {
      if (!(error instanceof Refused) || !error.problem.mistakes) throw error;
      this.setState({ result: { serves: false, mistakes: error.problem.mistakes } });
    }
  }

  render() {
    const { text, result } = this.state;
    /** @param {SubmitEvent} event */
    const make = (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      doing(async () => {
        const name = form.space.value.trim();
        await ask("PUT", `/spaces/${encodeURIComponent(name)}`, form.from.checked ? { from: space } : {});
        location.href = `/~${encodeURIComponent(name)}/`;
      })(event);
    };
    const begin = async () => {
      since = { cursor: String((await ask("GET", "/calls?limit=0")).next), at: now() };
      say("From now on, what you do by hand is noted for the scenario.");
      changed();
    };
    const recorded = async () => save("recorded.yaml", await ask("GET", `/scenario/recorded${query(since.cursor ? [["after", since.cursor]] : [])}`));
    return html`<div class="scenario view split"><section aria-label="Scenario"><div class="bar"><h2>Scenario</h2>
        <${Button} label="Read again" kind="quiet" onClick=${() => this.read()} /></div>
      <textarea class="text" aria-label="Text of the scenario" spellcheck="false" value=${text} onInput=${(/** @type {any} */ it) => this.setState({ text: it.target.value })}></textarea>
      <div class="acts"><${Button} label="Check" icon="check" onClick=${() => this.check()} />
        <${Button} label="Start over from this text" kind="yes" onClick=${() => this.swap()} /></div>
      <div role="status">${result && html`<p class="note ${result.serves ? "" : "bad"}">${result.serves ? `It serves ${result.users} users by ${result.rules} rules${result.mistakes.length ? ", with warnings" : ""}.` : "It has mistakes, and nothing was changed."}</p><${Mistakes} mistakes=${result.mistakes} />`}</div>
    </section>
    <div class="stack">
      <section class="panel" aria-label="Save"><h2>Save</h2>
        <p class="quiet">What you did by hand becomes a scenario with a rule for each answer${since.cursor ? html`, from ${clockTime(since.at)} on` : ""}.</p>
        <div class="acts"><${Button} label=${since.cursor ? "Begin here instead" : "Begin here"} onClick=${begin} />
          <${Button} label="Save as scenario" kind="yes" onClick=${recorded} /></div>
        <div class="acts"><${Button} icon="file" label="Snapshot with all secrets" onClick=${async () => save(`${space}.yaml`, await ask("GET", "/snapshot"))} />
          <${Button} icon="report" label="Report" onClick=${saveReport} /></div></section>
      <section class="panel" aria-label="Spaces"><h2>Spaces</h2>
        <ul class="plain">${state.spaces.map((it) => html`<li class="space" key=${it.name}>
          <a href=${`${it.path}/`} aria-current=${it.name === space ? "page" : undefined}>${it.name}</a>
          <span class="quiet">${it.users} users · ${it.calls} calls</span></li>`)}</ul>
        <form onSubmit=${make}><label>New space<input name="space" required pattern="[A-Za-z0-9._\\-]{1,64}" title="Letters, digits, . _ -" autocomplete="off" /></label>
          <label class="switch"><input type="checkbox" name="from" /><span>Go on from here</span></label><button class="button">Make and open</button></form>
        <div class="acts"><${Button} kind="no" label="Reset this space" onClick=${resetSpace} />
          ${base && html`<${Button} kind="no" label="Drop this space" onClick=${() => ask("DELETE", `/spaces/${encodeURIComponent(space)}`)} />`}</div></section>
    </div></div>`;
  }
}

export async function resetSpace() {
  await ask("POST", `/spaces/${encodeURIComponent(space)}/reset`);
  await load();
  say(`The space ${space} has started over.`);
}

/** @type {[string, string][]} */
const PACES = [["real", "Runs"], ["frozen", "Paused"], ["auto", "Jumps"]];

/** The space's clock, and ways to move it. */
export const Clock = ticks(() => {
  const it = state.clock;
  if (!it) return null;
  /** @param {any} body */
  const advance = async (body) => setClock(await ask("POST", "/clock/advance", body));
  return html`<details class="menu">
    <summary title="The clock of the space"><span class="unseen">Clock</span><${Icon} name="clock" /><span class=${it.pace === "frozen" ? "held" : ""}>${clockTime(now())}</span></summary>
    <div class="drop"><p><${Time} at=${now()} /> ${new Date(now()).toISOString().slice(0, 10)}${it.rate ? `, ${it.rate} times as fast` : ""}</p>
      <${Choice} name="pace" label="Time" options=${PACES} value=${it.pace} onChange=${(/** @type {string} */ pace) => ask("PUT", "/clock", { pace }).then(setClock, report)} />
      <div class="acts"><${Button} label="To the next event" kind="yes" onClick=${() => advance({ to: "next" })} />
        ${["10s", "1m", "10m", "1h"].map((by) => html`<${Button} key=${by} label=${`+${by}`} onClick=${() => advance({ by })} />`)}</div></div></details>`;
});
