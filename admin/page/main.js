// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * Starts the page.
 *
 * @module
 */
import { showConnections } from "./connections.js";
import { showDenials } from "./denials.js";
import { byId, say } from "./dom.js";
import { showLog } from "./log.js";
import { keepFollowing, read, useToken } from "./sidecar.js";
import { showStatus } from "./status.js";
import { showVerdicts } from "./verdicts.js";
import { showWhy } from "./why.js";

const { failed, policy } = showStatus();
const { explain, suggest } = showWhy();
showVerdicts(failed);
const denials = showDenials({ policy, explain });
showLog(explain);
showConnections(failed);
followDenials();
showToken();
void showWorkload();

/** They have a stream of their own: what passes in masses does not push them out. */
function followDenials() {
  const take = (/** @type {string[]} */ lines) => {
    for (const line of lines) {
      try {
        denials.add(JSON.parse(line));
      } catch { /* it is no line */ }
    }
  };
  const { signal } = new AbortController();
  void keepFollowing({ verdict: "denied" }, {
    signal,
    begin: denials.clear,
    lines: take,
    dropped() {},
    state() {},
  });
}

function showToken() {
  const form = byId("access", HTMLFormElement);
  const input = byId("token", HTMLInputElement);
  const state = byId("token-state", HTMLParagraphElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(input.value);
    say(
      state,
      input.value === ""
        ? "There is no token: the page shows, and changes nothing."
        : "The token is in this page's memory, and goes with it.",
    );
    input.value = "";
  });
}

/** Whom the sidecar guards, and where: what questions are about, mostly. */
async function showWorkload() {
  try {
    const { endpoint, endpoints, listeners } = await read("/v1/config");
    const guarded = endpoints ?? [endpoint];
    say(
      byId("workload", HTMLElement),
      guarded.length === 1
        ? `${guarded[0].namespace}/${guarded[0].name}`
        : `${guarded.length} workloads`,
    );
    const [listener] = listeners;
    const port = listener?.port ?? listener?.upstream?.port;
    suggest({
      direction: listener?.direction ?? "ingress",
      port: port === undefined ? "" : `${port}`,
    });
  } catch (error) {
    failed(error);
  }
}
