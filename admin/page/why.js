// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * Asks the policy in force about a connection, or a request on it.
 *
 * @module
 */
import { byId, make } from "./dom.js";
import { read } from "./sidecar.js";
import * as words from "./words.js";

/** Starts the form; what it answers fills it with a line's question, and asks. */
export function showWhy() {
  const form = byId("question", HTMLFormElement);
  const answer = byId("answer", HTMLDivElement);

  async function ask() {
    try {
      const query = new URLSearchParams(questionOf(form));
      answer.replaceChildren(answerOf(await read(`/v1/trace?${query}`)));
    } catch (error) {
      const text = error instanceof Error ? error.message : `${error}`;
      answer.replaceChildren(make("p", { class: "error" }, text));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask();
  });
  return {
    /** @param {words.Line} line */
    explain(line) {
      fill(form, words.questionOf(line));
      byId("why", HTMLElement).scrollIntoView();
      byId("why", HTMLElement).focus();
      void ask();
    },
    /** What is asked unless somebody writes something else. @param {Record<string, string>} values */
    suggest(values) {
      const isUntouched = [...new FormData(form).values()]
        .filter((value) => value !== "").length <= 1;
      if (isUntouched) fill(form, { direction: "ingress", ...values });
    },
  };
}

/** @param {HTMLFormElement} form @param {Record<string, string>} question */
function fill(form, { l7, ...question }) {
  for (const name of ["direction", "from", "to", "port", "l7proto"]) {
    field(form, name).value = question[name] ?? "";
  }
  field(form, "fields").value = l7 === undefined
    ? ""
    : Object.entries(JSON.parse(l7)).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => `${name}=${one}`)
    ).join("\n");
}

/** @param {HTMLFormElement} form @param {string} name */
function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
}

/** @param {HTMLFormElement} form */
function questionOf(form) {
  /** @type {Record<string, string>} */
  const question = {};
  for (const name of ["direction", "from", "to", "port", "l7proto"]) {
    const value = field(form, name).value.trim();
    if (value !== "") question[name] = value;
  }
  const lines = field(form, "fields").value.split("\n")
    .filter((line) => line !== "");
  if (lines.length > 0) question["l7"] = JSON.stringify(fieldsOf(lines));
  return question;
}

/** @param {string[]} lines `FIELD=VALUE` */
function fieldsOf(lines) {
  /** @type {Map<string, string[]>} */
  const fields = new Map();
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals < 1) throw new Error(`${line} is no field=value`);
    const name = line.slice(0, equals).trim();
    fields.set(name, [...fields.get(name) ?? [], line.slice(equals + 1)]);
  }
  return Object.fromEntries(fields);
}

/** @param {words.Trace} trace */
function answerOf({ verdict, why, rules, others, l7proto }) {
  return make(
    "div",
    {},
    make(
      "p",
      { class: "what" },
      make("strong", { class: classOf(verdict) }, verdict),
      `: ${why}`,
    ),
    make(
      "ul",
      { class: "trace" },
      ...rules.map(ruleItem),
    ),
    make(
      "p",
      { class: "quiet" },
      [
        ...(l7proto === undefined ? [] : [`Read as ${l7proto}.`]),
        ...(others === 0
          ? []
          : [`${others} more rules are for other workloads.`]),
        ...(rules.length + others === 0
          ? ["There is no rule: everything passes."]
          : []),
      ].join(" "),
    ),
  );
}

/** @param {string} verdict */
function classOf(verdict) {
  return verdict === "allowed" ? "forwarded" : verdict;
}

/** @param {words.Rule} rule */
function ruleItem({ ref, closes, audits, entries }) {
  const mode = audits ? ", in audit mode" : "";
  const closing = closes
    ? `closes what none of its entries allows${mode}`
    : `closes nothing${mode}`;
  return make(
    "li",
    {},
    make("code", {}, ref),
    ` guards this workload, and ${closing}`,
    make("ul", {}, ...entries.map(entryItem)),
  );
}

/** @param {words.Entry} entry */
function entryItem({ ref, verdict, peer, port, applies, l7 }) {
  const grants = verdict === "deny"
    ? "denies"
    : l7 === undefined
    ? "allows everything"
    : l7.rules.length === 0
    ? `allows every request of ${l7.l7proto}`
    : `allows of ${l7.l7proto}`;
  return item(
    applies,
    ref,
    `${grants}: ${finding("peer", peer)}, ${finding("port", port)}`,
    applies ? (l7?.rules ?? []).map(l7Item) : [],
  );
}

/** @param {string} what @param {words.Finding} finding */
function finding(what, { holds, text }) {
  return `the ${what} is ${holds ? "" : "not "}${words.plain(text)}`;
}

/** @param {words.L7Rule} rule */
function l7Item({ ref, rule, covers, because = [] }) {
  const text = covers === undefined
    ? "judges each request"
    : covers
    ? "covers the request"
    : because.length === 1
    ? `does not cover it, for its ${because[0]}`
    : "does not cover it";
  return item(covers, ref, `${words.ruleText(rule)}: ${text}`, []);
}

/** @param {boolean | undefined} holds @param {string} ref @param {string} text @param {HTMLElement[]} parts */
function item(holds, ref, text, parts) {
  const mark = holds === undefined ? "?" : holds ? "✓" : "✗";
  return make(
    "li",
    { class: holds ? "holds" : "fails" },
    make("span", { class: "mark" }, `${mark} `),
    text,
    " ",
    make("code", { class: "quiet" }, ref.slice(ref.indexOf("#"))),
    ...(parts.length === 0 ? [] : [make("ul", {}, ...parts)]),
  );
}
