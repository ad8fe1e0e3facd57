// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * What is meant and what is in force: readiness, policies, parsers.
 *
 * @module
 */
import { byId, every, make, Rows, say } from "./dom.js";
import { change, read } from "./sidecar.js";
import { moment, span } from "./words.js";

/**
 * @typedef {{ id: string, file: string, kind: string, status: string, problems: string[], partly: string[], since: string }} PolicyDocument
 * @typedef {{ version: string, state: string, since?: string, connections: number, panics: number, refused?: string }} Version
 * @typedef {{ name: string, file: string, builtIn: boolean, version?: string, idle?: string, refused?: string, versions: Version[] }} Parser
 * @typedef {object} Status
 * @property {boolean} ready
 * @property {string[]} unready
 * @property {{ version: number, since: string, documents: PolicyDocument[], problems: string[], error?: string }} policy
 * @property {Parser[]} parsers
 * @property {{ name: string, state: string, ageMs?: number, error?: string }[]} identities
 */

/** Starts to show it; `policy` is the version in force. */
export function showStatus() {
  const state = byId("state", HTMLParagraphElement);
  const policy = byId("policy", HTMLParagraphElement);
  const showPolicies = policies();
  const showParsers = parsers(() => void update());
  let version = "";

  /** @param {boolean} isGood @param {string} text */
  function tell(isGood, text) {
    say(state, text);
    state.classList.toggle("good", isGood);
    state.classList.toggle("bad", !isGood);
  }

  /** @param {unknown} error */
  function failed(error) {
    tell(false, error instanceof Error ? error.message : `${error}`);
  }

  async function update() {
    try {
      /** @type {Status} */
      const status = await read("/v1/status");
      version = `${status.policy.version}`;
      const lost = status.identities.filter(({ state }) => state !== "live")
        .map(({ name, state, error }) =>
          `identities of ${name} are ${state}${error ? `: ${error}` : ""}`
        );
      const faults = [...status.unready, ...lost];
      tell(faults.length === 0, faults.join("; ") || "ready");
      const { since } = status.policy;
      say(
        policy,
        `policy ${version}, for ${span(Date.now() - Date.parse(since))}`,
      );
      showPolicies(status.policy);
      showParsers(status.parsers);
      showProtocols(status.parsers);
    } catch (error) {
      failed(error);
    }
  }
  every(1000, update);
  return { failed, policy: () => version };
}

/** The protocols that the log can be filtered by. @param {Parser[]} parsers */
function showProtocols(parsers) {
  const form = byId("log-filter", HTMLFormElement);
  const select = form.querySelector("select[name=l7proto]");
  if (!(select instanceof HTMLSelectElement)) return;
  const known = new Set([...select.options].map(({ text }) => text));
  for (const { name, version } of parsers) {
    if (version === undefined || known.has(name)) continue;
    select.append(make("option", {}, name));
  }
}

/** @type {Record<string, string>} */
const STANDINGS = {
  "applied": "as written",
  "kept-last-good": "an older version",
  "refused": "not at all",
};

function policies() {
  const state = byId("policies-state", HTMLParagraphElement);
  const problems = byId("policy-problems", HTMLUListElement);
  const texts = new Rows(
    problems,
    (/** @type {string} */ text) => text,
    (text) => ({ row: make("li", {}, text), update() {} }),
  );
  const rows = new Rows(
    byId("documents", HTMLTableSectionElement),
    (/** @type {PolicyDocument} */ one) => JSON.stringify(one),
    (document) => ({ row: documentRow(document), update() {} }),
  );
  /** @param {Status["policy"]} policy */
  return ({ documents, error, problems: all, version, since }) => {
    say(
      state,
      `Version ${version} is in force since ${moment(since)} UTC. ${
        documents.length === 0 ? "There is no policy: everything passes." : ""
      }`,
    );
    const told = new Set(documents.flatMap(({ problems }) => problems));
    const others = all.filter((text) => !told.has(text));
    texts.show([...new Set([...(error ? [error] : []), ...others])]);
    const wrong = documents.filter(({ status }) => status !== "applied");
    const right = documents.filter(({ status }) => status === "applied");
    rows.show([...wrong, ...right]);
  };
}

/** @param {PolicyDocument} document */
function documentRow({ id, kind, file, status, since, problems, partly }) {
  const isWrong = status !== "applied";
  return make(
    "tr",
    {},
    make("th", { scope: "row", class: "text", title: kind }, id),
    make(
      "td",
      { class: "text" },
      make(
        "span",
        { class: isWrong ? "denied" : "forwarded" },
        STANDINGS[status] ?? status,
      ),
      ...listOf([...problems, ...partly]),
    ),
    make("td", { class: "quiet" }, moment(since)),
    make("td", { class: "text quiet" }, file),
  );
}

/** @param {string[]} texts */
function listOf(texts) {
  if (texts.length === 0) return [];
  const items = texts.map((text) => make("li", {}, text));
  return [make("ul", { class: "problems" }, ...items)];
}

/** @param {() => void} update */
function parsers(update) {
  const state = byId("parsers-state", HTMLParagraphElement);
  const rows = new Rows(
    byId("parser-rows", HTMLTableSectionElement),
    (/** @type {Parser} */ { name }) => name,
    (parser) => createParser(parser, reload),
  );

  /** @param {string} [name] */
  async function reload(name) {
    say(state, `Reloading ${name ?? "all parsers"} …`);
    try {
      const path = name === undefined ? "" : `/${encodeURIComponent(name)}`;
      /** @type {{ parsers: Parser[] }} */
      const answer = await change(`/v1/parsers${path}/reload`);
      say(state, answer.parsers.map(reloaded).join(" "));
      update();
    } catch (error) {
      say(state, error instanceof Error ? error.message : `${error}`);
    }
  }

  byId("reload-all", HTMLButtonElement)
    .addEventListener("click", () => void reload());
  /** @param {Parser[]} all */
  return (all) => rows.show(all);
}

/** @param {Parser} parser */
function reloaded({ name, version, idle, refused }) {
  if (refused !== undefined) return `${name} is refused: ${refused}.`;
  if (version !== undefined) return `${name}@${version} serves.`;
  return `${name} is idle${idle === undefined ? "" : ` at ${idle}`}.`;
}

/**
 * @param {Parser} parser
 * @param {(name: string) => void} reload
 */
function createParser({ name, builtIn, file }, reload) {
  const versions = make("td", { class: "text" });
  const row = make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    versions,
    make("td", { class: "text quiet" }, builtIn ? "built in" : file),
    make(
      "td",
      {},
      make(
        "button",
        {
          type: "button",
          "aria-label": `Reload ${name}`,
          click: () => reload(name),
        },
        "Reload",
      ),
    ),
  );
  let shown = "";
  return {
    row,
    /** @param {Parser} now */
    update(now) {
      const text = JSON.stringify(now);
      if (text === shown) return;
      shown = text;
      versions.replaceChildren(...versionsOf(now));
    },
  };
}

/** @param {Parser} parser */
function versionsOf({ version, idle, versions }) {
  if (version === undefined && idle !== undefined) {
    return [make("span", { class: "quiet" }, `idle: nobody names it`)];
  }
  return versions.map((one) =>
    make(
      "div",
      {},
      make("code", {}, one.version),
      " ",
      make(
        "span",
        { class: one.state === "refused" ? "denied" : one.state },
        one.state,
      ),
      ` · ${one.connections} connections`,
      ...(one.panics === 0 ? [] : [
        " · ",
        make("span", { class: "denied" }, `${one.panics} panics`),
      ]),
      ...listOf(one.refused === undefined ? [] : [one.refused]),
    )
  );
}
