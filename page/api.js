// @ts-check
/** Requests to the admin API of this server, in the space that the address of the page names. */

const named = /^\/~([^/]+)/.exec(location.pathname);

/** The name of the space. */
export const space = named ? decodeURIComponent(named[1]) : "default";

/** What stands before each path of the API. */
export const base = named ? named[0] : "";

/** Whether this page is a second device, which may act as the phone and nothing else. */
export const isDevice = new URLSearchParams(location.search).has("device");

const KEY = "locmfa-token";

/** A refusal: a problem document, or a server that does not answer. */
export class Refused extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super([problem.detail, problem.remedy].filter(Boolean).join(" "));
    this.status = status;
    this.problem = problem;
    this.kind = String(problem.type ?? "").replace("urn:locmfa:problem:", "");
  }
}

// A fragment never leaves the browser; the session's storage is bound to this port, as a cookie is not.
const shown = /[#&]token=([^&]+)/.exec(location.hash);
if (shown) {
  setToken(decodeURIComponent(shown[1]));
  history.replaceState(null, "", location.pathname + location.search);
}

/** @param {string} token */
export function setToken(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    memory = token;
  }
}

let memory = "";

/** @returns {Record<string, string>} */
export function authorization() {
  let token = memory;
  try {
    token ||= sessionStorage.getItem(KEY) ?? "";
  } catch {
    // Storage is off: the token lasts as long as the page.
  }
  return token ? { authorization: `Bearer ${token}` } : {};
}

/**
 * Sends a request. JSON comes back as a value, and other types as text.
 * @param {string} method @param {string} path
 * @param {any} [body] a value for JSON, or a text of YAML
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = authorization();
  if (body !== undefined) headers["content-type"] = typeof body === "string" ? "application/yaml" : "application/json";
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(base + path, { method, headers, body: text, cache: "no-store" });
  } catch {
    throw new Refused(0, { detail: "The server does not answer.", remedy: "Look whether it still runs." });
  }
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  if (!answer.ok) throw new Refused(answer.status, isJson ? await answer.json() : { detail: await answer.text() });
  if (answer.status === 204) return null;
  return isJson ? answer.json() : answer.text();
}

/** @param {[string, string][]} pairs */
export const query = (pairs) => (pairs.length ? `?${new URLSearchParams(pairs)}` : "");
