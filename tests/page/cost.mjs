// What the page costs the browser: processor time of its main thread, and time to the next paint.

/** Times of the page while `run` clicks in it, in milliseconds. */
export async function measured(chrome, page, run) {
  await chrome.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  let result;
  try {
    await run();
  } finally {
    result = JSON.parse((await chrome.stopTracing()).toString()).traceEvents;
  }
  const threadOf = (it) => `${it.pid}:${it.tid}`;
  const mains = new Set(result.filter((it) => it.name === "thread_name" && it.args.name === "CrRendererMain").map(threadOf));
  // A click begins with its input, and ends with the paint that shows what it did.
  const begun = new Map();
  const clicks = [];
  for (const it of result.filter((it) => it.name === "EventTiming").sort((a, b) => a.ts - b.ts)) {
    const id = `${threadOf(it)}:${it.id2?.local ?? it.id}`;
    if (it.ph === "b" && it.args.data?.type === "click") begun.set(id, it);
    else if (it.ph === "e" && begun.has(id)) {
      clicks.push({ main: threadOf(begun.get(id)), start: begun.get(id).ts, end: it.ts });
      begun.delete(id);
    }
  }
  const main = clicks[0]?.main;
  if (!mains.has(main)) throw new Error("the trace has no click");
  const tasks = result.filter((it) => it.name === "RunTask" && it.ph === "X" && threadOf(it) === main && it.tdur !== undefined);
  const share = (task, from, to) => Math.max(0, Math.min(task.ts + task.dur, to) - Math.max(task.ts, from)) / Math.max(1, task.dur);
  for (const click of clicks) {
    click.wall = (click.end - click.start) / 1000;
    click.cpu = tasks.reduce((sum, task) => sum + task.tdur * share(task, click.start, click.end), 0) / 1000;
  }
  const most = (of) => Math.round(Math.max(0, ...of));
  const sum = (of) => of.reduce((all, it) => all + it, 0);
  return {
    clicks: clicks.length,
    /** The most processor time from a click to its paint. */
    cpu: most(clicks.map((it) => it.cpu)),
    wall: most(clicks.map((it) => it.wall)),
    longest: most(tasks.map((it) => it.tdur / 1000)),
    /** How long tasks took for each millisecond of processor time: about 1 where the machine does nothing else. */
    stretch: (sum(tasks.map((it) => it.dur)) / sum(tasks.map((it) => it.tdur))).toFixed(1),
  };
}
