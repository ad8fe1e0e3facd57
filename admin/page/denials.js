// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * What is denied, in words: those of one peer for one kind of request are one
 * entry, with the reason that the policy in force gives.
 *
 * @module
 */
import { byId, every, make, Rows, say } from "./dom.js";
import { read } from "./sidecar.js";
import * as words from "./words.js";

/** Not more kinds are remembered; those that were not seen for longest go. */
const KINDS_MAX = 200;
/** Not more are shown. */
const SHOWN_MAX = 12;
/** When nobody could say why, it is asked again so much later. */
const RETRY_MS = 5000;
/** Not more objects of a kind are named. */
const NAMED_MAX = 3;

/**
 * Denials that differ in nothing but their objects.
 * @typedef {object} Denial
 * @property {string} key
 * @property {words.Line} line the newest one
 * @property {string} action
 * @property {Set<string>} objects the newest ones
 * @property {number} times
 * @property {number} seen by the clock of the page
 * @property {string} [why] what the policy says of it
 * @property {string} [policy] the version of the policy that says it
 * @property {number} [retry] not to be asked before, by the clock of the page
 */

/** Groups lines; no document here. */
export class Denials {
  /** In the order of the last sight. @type {Map<string, Denial>} */
  #kinds = new Map();

  clear() {
    this.#kinds.clear();
  }

  /** @param {words.Line} line */
  add(line) {
    const { action, objects } = words.subjectOf(line);
    const key = [
      words.nameOf(words.peerOf(line)),
      line.direction,
      line.type,
      line.l7proto,
      action,
      line.reason,
      line.rule,
    ].join("\n");
    const known = this.#kinds.get(key);
    const denial = known ??
      { key, line, action, objects: new Set(), times: 0, seen: 0 };
    denial.line = line;
    denial.times++;
    denial.seen = Date.now();
    const object = objects.join(" ");
    if (object !== "") {
      denial.objects.delete(object);
      denial.objects.add(object);
    }
    for (const oldest of denial.objects) {
      if (denial.objects.size <= NAMED_MAX + 1) break;
      denial.objects.delete(oldest);
    }
    this.#kinds.delete(key);
    this.#kinds.set(key, denial);
    for (const oldest of this.#kinds.keys()) {
      if (this.#kinds.size <= KINDS_MAX) break;
      this.#kinds.delete(oldest);
    }
  }

  get size() {
    return this.#kinds.size;
  }

  /** The most frequent first. */
  top(most = SHOWN_MAX) {
    return [...this.#kinds.values()]
      .sort((a, b) => b.times - a.times)
      .slice(0, most);
  }
}

/**
 * Starts to show them.
 * @param {object} page
 * @param {() => string} page.policy the version of the policy in force
 * @param {(line: words.Line) => void} page.explain
 */
export function showDenials({ policy, explain }) {
  const denials = new Denials();
  const note = byId("denials-note", HTMLParagraphElement);
  const rows = new Rows(
    byId("denials", HTMLOListElement),
    (/** @type {Denial} */ { key }) => key,
    (denial) => createRow(denial, explain),
  );
  every(500, () => {
    const shown = denials.top();
    rows.show(shown);
    note.hidden = shown.length > 0 && shown.length === denials.size;
    say(
      note,
      shown.length === 0
        ? "Nothing that is remembered was denied."
        : `The ${shown.length} most frequent of ${denials.size} kinds.`,
    );
  });
  every(300, async () => {
    const version = policy();
    const next = denials.top().find((denial) =>
      denial.policy !== version && (denial.retry ?? 0) <= Date.now() &&
      words.isDecided(denial.line)
    );
    if (!next) return;
    try {
      next.why = await reasonOf(next.line);
      next.policy = version;
    } catch {
      next.retry = Date.now() + RETRY_MS; // until then it has the line's reason
    }
  });
  return {
    clear: () => denials.clear(),
    /** @param {words.Line} line */
    add(line) {
      if (words.isEcho(line)) return;
      denials.add(line);
    },
  };
}

/** What the policy in force says of a line. @param {words.Line} line */
async function reasonOf(line) {
  const query = new URLSearchParams(words.questionOf(line));
  return words.becauseOf(await read(`/v1/trace?${query}`));
}

/**
 * @param {Denial} denial
 * @param {(line: words.Line) => void} explain
 */
function createRow({ line, action }, explain) {
  const objects = make("code");
  const why = make("p", { class: "why" });
  const meta = make("p", { class: "quiet" });
  let latest = line;
  const row = make(
    "li",
    { class: "denial" },
    make(
      "p",
      { class: "what" },
      make("strong", { class: "denied" }, "denied: "),
      make("strong", {}, words.shortened(action, 60)),
      " ",
      objects,
      " by ",
      make("strong", {}, words.shortened(words.nameOf(words.peerOf(line)))),
    ),
    why,
    meta,
    make("button", { type: "button", click: () => explain(latest) }, "Why?"),
  );
  return {
    row,
    /** @param {Denial} denial */
    update(denial) {
      latest = denial.line;
      const named = [...denial.objects].slice(-NAMED_MAX).reverse()
        .map((object) => words.shortened(object, 60));
      const more = denial.objects.size > NAMED_MAX ? ["and others"] : [];
      say(objects, [...named, ...more].join(", "));
      say(why, `because ${denial.why ?? words.reasonOf(denial.line)}`);
      const { direction, l7proto } = denial.line;
      const times = denial.times === 1
        ? "once"
        : `${words.count(denial.times)} times`;
      const ago = words.span(Date.now() - Date.parse(denial.line.time));
      say(
        meta,
        `${times}, last ${ago} ago · ${direction}${
          l7proto === undefined ? "" : ` · ${l7proto}`
        }`,
      );
    },
  };
}
