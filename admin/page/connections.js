// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * Open connections, each of which can be closed.
 *
 * @module
 */
import { byId, every, make, Rows, say } from "./dom.js";
import { change, read } from "./sidecar.js";
import { bytes, count, span } from "./words.js";

/**
 * @typedef {object} Connection
 * @property {number} id
 * @property {string} listener
 * @property {string} source
 * @property {string} destination
 * @property {string} [l7proto]
 * @property {string} [parser]
 * @property {number} ageMs
 * @property {number} bytesForward
 * @property {number} bytesReply
 */

/** Starts to show them. @param {(error: unknown) => void} failed */
export function showConnections(failed) {
  const state = byId("connections-state", HTMLParagraphElement);
  const form = byId("connections-filter", HTMLFormElement);
  /** @type {{ connections: Connection[], total: number }} */
  let list = { connections: [], total: 0 };
  let done = "";
  const rows = new Rows(
    byId("connection-rows", HTMLTableSectionElement),
    (/** @type {Connection} */ { id }) => `${id}`,
    (connection) => createRow(connection, close),
  );

  function show() {
    const text = `${new FormData(form).get("text") ?? ""}`.toLowerCase();
    const shown = list.connections.filter((one) =>
      textOf(one).toLowerCase().includes(text)
    );
    rows.show(shown);
    const listed = list.connections.length < list.total
      ? `, the oldest ${count(list.connections.length)} are listed`
      : "";
    const of = text === "" ? "" : `, ${count(shown.length)} of them shown`;
    say(state, `${count(list.total)} open${listed}${of}.${done}`);
  }

  async function update() {
    try {
      list = await read("/v1/connections");
      show();
    } catch (error) {
      failed(error);
    }
  }

  /** @param {number} id */
  async function close(id) {
    try {
      await change("/v1/connections/close", { id });
      done = ` Connection ${id} is closed.`;
      await update();
    } catch (error) {
      done = ` ${error instanceof Error ? error.message : error}`;
      show();
    }
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  every(2000, update);
}

/** @param {Connection} connection */
function textOf({ id, listener, source, destination, parser, l7proto }) {
  return [id, listener, source, destination, parser ?? l7proto].join(" ");
}

/**
 * @param {Connection} connection
 * @param {(id: number) => void} close
 */
function createRow(connection, close) {
  const { id, listener, source, destination, parser, l7proto } = connection;
  const number = () => make("td", { class: "number" });
  const [age, sent, answered] = [number(), number(), number()];
  const row = make(
    "tr",
    {},
    make("td", {}, `${id}`),
    make("td", { class: "text" }, listener),
    make("td", { class: "text" }, source),
    make("td", { class: "text" }, destination),
    make("td", { class: "text" }, parser ?? l7proto ?? "nobody: bytes pass"),
    age,
    sent,
    answered,
    make(
      "td",
      {},
      make(
        "button",
        {
          type: "button",
          "aria-label": `Close connection ${id}`,
          click: () => close(id),
        },
        "Close",
      ),
    ),
  );
  return {
    row,
    /** @param {Connection} now */
    update(now) {
      say(age, span(now.ageMs));
      say(sent, bytes(now.bytesForward));
      say(answered, bytes(now.bytesReply));
    },
  };
}
