// @ts-check
/**
 * The events of a space: one connection for each browser. Browsers allow six to one origin, so the tabs choose a
 * leader by a lock; the leader reads the stream and hands every event to the others.
 */
import { authorization, base, isDevice } from "./api.js";

/** @typedef {"connecting" | "live" | "reconnecting" | "dropped" | "token" | "paused"} Live */

/**
 * Follows the events until the page ends.
 * @param {string} from the cursor after which events are wanted
 * @param {(kind: string, data: any) => void} onEvent
 * @param {(live: Live) => void} onState
 */
export function follow(from, onEvent, onState) {
  let cursor = from;
  const key = `locmfa:${base}`;
  const channel = "BroadcastChannel" in self ? new BroadcastChannel(key) : null;
  /** @param {any} it */
  const deliver = (it) => {
    if (it.live) onState(it.live);
    for (const event of it.events ?? []) {
      if (event.id) cursor = event.id;
      onEvent(event.kind, event.data);
    }
  };
  /** @param {any} it */
  const tell = (it) => {
    deliver(it);
    channel?.postMessage(it);
  };
  if (channel) {
    channel.onmessage = ({ data }) => {
      // A tab that joins asks how things stand; the leader knows.
      if (!data.hello) deliver(data);
      else if (leads) channel.postMessage({ live: state });
    };
  }
  let leads = false;
  /** @type {Live} */
  let state = "connecting";
  /** @param {Live} live */
  const reach = (live) => {
    state = live;
    tell({ live });
  };

  /** Reads until the signal ends it. @param {AbortSignal} signal */
  async function read(signal) {
    for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 4000)) {
      try {
        const headers = { ...authorization(), accept: "text/event-stream", "last-event-id": cursor };
        const answer = await fetch(`${base}/events${isDevice ? "?kinds=challenge,message" : ""}`, { headers, signal, cache: "no-store" });
        if (answer.status === 401) return reach("token");
        if (answer.status === 404) return reach("dropped");
        if (!answer.ok || !answer.body) throw new Error(String(answer.status));
        reach("live");
        wait = 250;
        await pass(answer.body, signal);
      } catch {
        // The server is away, or the connection broke: the next round says the last event that came.
      }
      if (signal.aborted) return;
      if (state !== "reconnecting") reach("reconnecting");
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  /** @param {ReadableStream<Uint8Array>} body @param {AbortSignal} signal */
  async function pass(body, signal) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      // The server says something each 15 seconds; one that is silent for longer is gone.
      let timer = 0;
      const silent = new Promise((_, no) => (timer = setTimeout(() => no(new Error("silent")), 40_000)));
      const { value, done } = await Promise.race([reader.read(), /** @type {Promise<any>} */ (silent)]).finally(() =>
        clearTimeout(timer),
      );
      if (done || signal.aborted) return;
      const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = events.pop() ?? "";
      const came = [];
      for (const event of events) {
        /** @type {Record<string, string>} */
        const fields = {};
        for (const line of event.split("\n")) {
          const at = line.indexOf(": ");
          if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
        }
        if (fields.event) came.push({ id: fields.id, kind: fields.event, data: JSON.parse(fields.data ?? "null") });
      }
      if (came.length) tell({ events: came });
    }
  }

  if (navigator.locks && channel) {
    channel.postMessage({ hello: true });
    navigator.locks.request(key, () => {
      leads = true;
      return read(new AbortController().signal);
    });
    return;
  }
  // Without locks each tab has a stream of its own, and lets it go while it is hidden.
  let stop = new AbortController();
  read(stop.signal);
  document.addEventListener("visibilitychange", () => {
    stop.abort();
    if (document.hidden) return reach("paused");
    stop = new AbortController();
    read(stop.signal);
  });
}
