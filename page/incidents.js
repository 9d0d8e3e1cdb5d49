// @ts-check
/** The incident that runs, with the time that it has left, and those that can begin. */
import { ask } from "./api.js";
import { refreshIncidents, state, ticking } from "./store.js";
import { Button, Component, html, span, until } from "./ui.js";

/** The stream tells what comes of it, but not of the whole server in each space. @param {string} method */
async function change(method, name = "") {
  await ask(method, `/incidents${name}`);
  refreshIncidents();
}

/** What runs: no live region, since its time passes. */
export class Banner extends Component {
  componentDidMount() {
    ticking.add(this);
  }

  componentWillUnmount() {
    ticking.delete(this);
  }

  render() {
    const it = state.incidents.running;
    if (!it) return null;
    const isAll = it.scope === "server";
    return html`<section class="note bad strip bar" aria-label="Incident"><span><strong>${it.name}</strong> runs${isAll && " in all spaces"}, and ends in ${span(isAll ? Date.parse(it.until) - Date.now() : until(it.until))}.</span>
      <${Button} label="Stop" onClick=${() => change("DELETE")} /></section>`;
  }
}

/** The incidents, each with a button that begins it. */
export const Incidents = () => html`<div class="view rules"><section aria-label="Incidents"><div class="bar"><h2>Incidents</h2></div>
  <p class="quiet">What goes wrong for 15 minutes. It leaves nothing behind.</p>
  <ol class="plain grid">${state.incidents.items.map(({ name, about, hits }) => html`<li class="rule panel" key=${name}>
    <div class="bar"><h3>${name}</h3><span class="quiet">Hits: ${hits}</span>
      <${Button} label="Start" aria-label=${`Start ${name}`} disabled=${Boolean(state.incidents.running)} onClick=${() => change("POST", `/${name}`)} /></div><p>${about}</p></li>`)}</ol></section></div>`;
