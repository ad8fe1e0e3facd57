/** A connection for tests that ask a parser directly: nothing of the engine is behind it. */
import type { Connection } from "parley/proxylib";
import { createStore } from "../../proxy/session/shared.ts";
import type { Request } from "./request.ts";

/** What a test wants to decide, or to see. */
type Asked =
  & Pick<Connection<Request>, "matches" | "inject">
  & Partial<Connection<Request>>;

export function connectionFor(asked: Asked): Connection<Request> {
  const end = { address: "192.0.2.1:1", labels: [] };
  return {
    id: 1,
    direction: "ingress",
    source: end,
    destination: end,
    port: 9042,
    frameBytes: 1 << 24,
    shared: createStore(1 << 20),
    logsResponses: false,
    log: () => 0,
    answered: () => {},
    ...asked,
  };
}
