// @ts-check
/** Users, and what happens the next time that one is asked; the rules and what is left of them. */
import { ask } from "./api.js";
import { changed, findUsers, refreshRules, refreshUsers, say, shown, state } from "./store.js";
import { nextTime } from "./phone.js";
import { address, Avatar, Button, Component, doing, Empty, go, grouped, html, Time } from "./ui.js";

/** @type {[string, any][]} */
const NEXT = [
  ["Busy", { outcome: "busy" }],
  ["No answer", { outcome: "no-answer", after: "20s" }],
  ["Hangs up", { outcome: "deny" }],
  ["Wrong PIN", { outcome: "wrong-pin" }],
  ["Wrong code", { outcome: "wrong-code" }],
  ["Reports fraud", { outcome: "fraud" }],
  ["You decide", { person: "decides", within: "90s" }],
];

/** @type {Record<string, string>} */
const MODES = { voiceCall: "Phone call", smsText: "Text message", phoneApp: "Mobile app", oathToken: "Token" };

/** @param {any} user */
const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ") || user.username;

/** @param {any} user */
const numberOf = (user) => (user.phone ? grouped(`+${user.country_code} ${user.phone}`) : "");

/** @param {{when: any}} props */
export const Next = ({ when }) => html`<fieldset class="group"><legend>Next time</legend><div class="acts">
  ${NEXT.map(([label, answer]) => html`<${Button} key=${label} label=${label} onClick=${() => nextTime(when, answer, label)} />`)}</div></fieldset>`;

/** @param {FormData} form */
function written(form) {
  /** @type {Record<string, any>} */
  const user = {};
  for (const [key, value] of form) user[key] = value === "" ? null : value;
  return user;
}

/** @param {{user?: any}} props */
function Fields({ user = {} }) {
  /** @type {[string, string, string][]} */
  const texts = [["first_name", "First name", user.first_name], ["last_name", "Last name", user.last_name], ["phone", "Phone", numberOf(user)], ["email_address", "Mail", user.email_address]];
  return html`<div class="form">
    ${texts.map(([key, label, value]) => html`<label>${label}<input name=${key} defaultValue=${value ?? ""} autocomplete="off" /></label>`)}
    <label>Asked by<select name="mode">${Object.entries(MODES).map(([key, text]) => html`<option value=${key} selected=${key === user.mode}>${text}</option>`)}</select></label>
    <label>PIN asked<select name="pin_mode">${[["standard", "No"], ["pin", "Yes"]].map(([key, text]) => html`<option value=${key} selected=${key === user.pin_mode}>${text}</option>`)}</select></label>
    <label>PIN<input name="pin" inputmode="numeric" autocomplete="off" placeholder=${user.secrets?.includes("pin") ? "set, not shown" : "none"} /></label></div>`;
}

/** @param {{user: any}} props */
function User({ user }) {
  const path = `/users/${encodeURIComponent(user.username)}`;
  /** @param {any} patch @param {string} done */
  const change = async (patch, done) => {
    await ask("PATCH", path, patch);
    say(done);
    refreshUsers();
  };
  /** @param {SubmitEvent} event */
  const save = (event) => {
    const patch = written(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    // A secret that is not shown stays as it is, and so does a number that was not changed.
    if (patch.pin === null) delete patch.pin;
    if ((patch.phone ?? "") === numberOf(user)) delete patch.phone;
    doing(() => change(patch, `${user.username} is changed.`))(event);
  };
  const bypass = async () => {
    await ask("POST", `${path}/bypass`, { lasts: "5m" });
    say(`${user.username} passes once without being asked, within 5 minutes.`);
    refreshUsers();
  };
  const remove = async () => {
    await ask("DELETE", path);
    say(`${user.username} is removed.`);
    refreshUsers();
    go(null, { view: "people" });
  };
  return html`<section class="panel person" aria-label=${user.username}>
    <div class="who"><${Avatar} name=${nameOf(user)} /><div><h2>${nameOf(user)}</h2><p>${user.username} · ${numberOf(user) || "no number"}</p></div></div>
    ${user.blocked && html`<p class="note bad">Blocked: ${user.blocked}</p>`}
    ${user.bypass && html`<p class="note">Passes once without being asked until <${Time} at=${user.bypass.until} />.</p>`}
    <div class="acts">
      ${user.blocked ? html`<${Button} kind="yes" label="Unblock" onClick=${() => change({ blocked: false }, `${user.username} is unblocked.`)} />`
        : html`<${Button} label="Block" onClick=${() => change({ blocked: "Blocked on the page." }, `${user.username} is blocked.`)} />`}
      <${Button} label="One-time bypass" onClick=${bypass} />
      <${Button} label=${user.enabled ? "Disable" : "Enable"} onClick=${() => change({ enabled: !user.enabled }, `${user.username} is ${user.enabled ? "disabled" : "enabled"}.`)} />
    </div>
    <${Next} when=${{ user: user.username }} />
    <form onSubmit=${save} key=${user.username}><${Fields} user=${user} /><div class="acts"><button class="button yes">Save</button><${Button} kind="no" label="Remove" onClick=${remove} /></div></form>
  </section>`;
}

/** A new user. */
function NewUser() {
  /** @param {SubmitEvent} event */
  const add = (event) => {
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    doing(async () => {
      const user = Object.fromEntries(Object.entries(written(form)).filter((it) => it[1] !== null));
      await ask("POST", "/users", user);
      say(`${user.username} is added.`);
      refreshUsers();
      go(null, { view: "people", user: String(user.username) });
    })(event);
  };
  return html`<section class="panel person" aria-label="Add a user"><h2>Add a user</h2><form onSubmit=${add}>
    <label>Name<input name="username" required autocomplete="off" /></label><${Fields} /><button class="button yes">Add</button></form></section>`;
}

export class PeopleView extends Component {
  componentDidMount() {
    shown.add("people");
    refreshUsers();
  }

  componentWillUnmount() {
    shown.delete("people");
  }

  render() {
    const { items, total } = state.users;
    const { user, isAdding } = this.props;
    const chosen = [...items, state.user].find((it) => user && it?.username === user);
    return html`<div class="people view ${chosen || isAdding ? "split" : ""}">
      <section aria-label="People"><div class="bar"><h2>People</h2>
        <input type="search" aria-label="Find a user" placeholder="Name or number" onInput=${(/** @type {any} */ it) => findUsers(it.target.value)} />
        <a class="button" href=${address({ view: "people", add: "1" })} onClick=${(/** @type {MouseEvent} */ it) => go(it, { view: "people", add: "1" })}>Add a user</a></div>
        ${items.length === 0 && html`<${Empty} icon="people" title="No user is found"><p>There are ${total} users in this space.</p><//>`}
        <div class="rows">${items.map((it) => html`
          <a class="row user" key=${it.username} href=${address({ view: "people", user: it.username })} aria-current=${it.username === user ? "true" : undefined}
            onClick=${(/** @type {MouseEvent} */ event) => go(event, { view: "people", user: it.username })}>
            <${Avatar} name=${nameOf(it)} /><strong>${nameOf(it)}</strong><span class="of">${numberOf(it)}</span>
            <span class="quiet">${MODES[it.mode] ?? it.mode}</span>
            ${it.blocked ? html`<span class="pill no">Blocked</span>` : !it.enabled ? html`<span class="pill">Disabled</span>` : it.bypass ? html`<span class="pill yes">Bypass</span>` : html`<span></span>`}</a>`)}</div>
        ${total > items.length && html`<p class="quiet">${items.length} of ${total} users. Search for the others.</p>`}
      </section>
      ${chosen ? html`<${User} user=${chosen} />` : isAdding && html`<${NewUser} />`}
    </div>`;
  }
}

export class RulesView extends Component {
  componentDidMount() {
    shown.add("rules");
    refreshRules();
  }

  componentWillUnmount() {
    shown.delete("rules");
  }

  render() {
    /** @param {SubmitEvent} event */
    const add = (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      doing(async () => {
        const times = form.times.value ? `?times=${form.times.value}` : "";
        await ask("POST", `/rules${times}`, form.rule.value);
        form.reset();
        refreshRules();
      })(event);
    };
    /** @param {string} name */
    const remove = async (name) => {
      await ask("DELETE", `/rules/${encodeURIComponent(name)}`);
      refreshRules();
    };
    return html`<div class="rules view split"><section aria-label="Rules"><div class="bar"><h2>Rules</h2></div>
      <p class="quiet">The first rule that matches a call decides it.</p>
      ${state.rules.length === 0 && html`<${Empty} icon="rules" title="No rules"><p>Every challenge passes after a short ring, and magic numbers act.</p><//>`}
      <ol class="plain">${state.rules.map((it) => html`<li class="rule panel" key=${it.name}>
        <div class="bar"><h3>${it.name}</h3><span class="quiet">${it.calls} ${it.calls === 1 ? "call" : "calls"}${it.left === undefined ? "" : ` · ${it.left} left`}${it.until ? html` · until <${Time} at=${it.until} />` : ""}</span>
          <${Button} kind="quiet" icon="cross" label="Remove" onClick=${() => remove(it.name)} aria-label=${`Remove ${it.name}`} /></div><pre tabindex="0" aria-label=${`Rule ${it.name}`}>${it.written}</pre></li>`)}</ol></section>
      <section class="panel" aria-label="Add a rule"><h2>Add a rule</h2><form onSubmit=${add}>
        <label>Rule, in YAML<textarea name="rule" rows="5" spellcheck="false" required>${"{when: {user: anna}, outcome: busy}"}</textarea></label>
        <label>For so many calls<input name="times" type="number" min="1" placeholder="any number" /></label>
        <button class="button yes">Add before all others</button></form>
        <${Next} when=${{ operation: "authentication" }} /></section></div>`;
  }
}
