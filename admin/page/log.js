// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * The end of the access log, as it grows. However fast it does, a tick shows
 * the newest lines only, and as many rows as fit a screen or two are kept.
 *
 * @module
 */
import { byId, make, say } from "./dom.js";
import { keepFollowing } from "./sidecar.js";
import * as words from "./words.js";

const ROWS_MAX = 200;
const TICK_MS = 250;

/** Starts to show it. @param {(line: words.Line) => void} explain */
export function showLog(explain) {
  const body = byId("lines", HTMLTableSectionElement);
  const state = byId("log-state", HTMLParagraphElement);
  const pause = byId("pause", HTMLButtonElement);
  const form = byId("log-filter", HTMLFormElement);
  /** What has come since the last tick. @type {string[]} */
  let waiting = [];
  let skipped = 0;
  let trouble = "";
  let isPaused = false;
  let following = new AbortController();

  function follow() {
    following.abort();
    following = new AbortController();
    const { signal } = following;
    clear();
    void keepFollowing(filterOf(form), {
      signal,
      begin: clear,
      lines(lines) {
        if (signal.aborted) return;
        const wanted = matching(lines, textOf(form));
        waiting.push(...wanted.slice(-ROWS_MAX));
        skipped += Math.max(0, wanted.length - ROWS_MAX);
        if (waiting.length <= 2 * ROWS_MAX) return;
        skipped += waiting.length - ROWS_MAX;
        waiting = waiting.slice(-ROWS_MAX);
      },
      dropped: (lost) => skipped += lost,
      state: (text) => trouble = text,
    });
  }

  function clear() {
    body.replaceChildren();
    waiting = [];
    skipped = 0;
  }

  function tick() {
    const fresh = waiting.slice(-ROWS_MAX);
    skipped += waiting.length - fresh.length;
    waiting = [];
    const rows = fresh.flatMap((text) => rowOf(text, explain)).reverse();
    body.prepend(...rows);
    while (body.rows.length > ROWS_MAX) body.deleteRow(-1);
    say(state, stateText());
  }

  function stateText() {
    if (isPaused) return "Paused: what is logged now is not shown.";
    if (trouble !== "") return trouble;
    const shown = body.rows.length === 0
      ? "Waiting for lines."
      : `The newest ${body.rows.length} lines.`;
    return skipped === 0
      ? shown
      : `${shown} ${words.count(skipped)} came too fast to show.`;
  }

  /** Follows while somebody looks, and wants to. */
  function settle() {
    const isWanted = !isPaused && !document.hidden;
    if (!isWanted) following.abort();
    else if (following.signal.aborted) follow();
  }

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", `${isPaused}`);
    settle();
  });
  document.addEventListener("visibilitychange", settle);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => isPaused || follow());
  setInterval(tick, TICK_MS);
  follow();
}

/** @param {HTMLFormElement} form */
function filterOf(form) {
  /** @type {Record<string, string>} */
  const filter = {};
  const data = new FormData(form);
  for (const name of ["verdict", "type", "l7proto"]) {
    const value = data.get(name);
    if (typeof value === "string" && value !== "") filter[name] = value;
  }
  return filter;
}

/** @param {HTMLFormElement} form */
function textOf(form) {
  return `${new FormData(form).get("text") ?? ""}`.toLowerCase();
}

/** @param {string[]} lines @param {string} text */
function matching(lines, text) {
  return text === ""
    ? lines
    : lines.filter((line) => line.toLowerCase().includes(text));
}

/**
 * @param {string} text
 * @param {(line: words.Line) => void} explain
 * @returns {HTMLTableRowElement[]} none if the text is no line
 */
function rowOf(text, explain) {
  /** @type {words.Line} */
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    return [];
  }
  const { action, objects } = words.subjectOf(line);
  const subject = [action, ...objects].join(" ");
  const button = words.isDecided(line)
    ? [make("button", { type: "button", click: () => explain(line) }, "Why?")]
    : [];
  return [make(
    "tr",
    {},
    make("td", { class: "quiet", title: line.time }, words.clock(line.time)),
    make("td", { class: line.verdict }, line.verdict),
    make("td", { class: "text" }, words.shortened(subject)),
    make(
      "td",
      { class: "text" },
      words.shortened(words.nameOf(words.peerOf(line))),
    ),
    make("td", { class: "text" }, words.shortened(words.reasonOf(line))),
    make("td", {}, ...button),
  )];
}
