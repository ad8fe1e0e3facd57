/**
 * `parley connections list` and `parley connections close`.
 *
 * @module
 */
import type {
  ConnectionFilter,
  ConnectionList,
  ConnectionState,
  Which,
} from "../proxy/administered.ts";
import { ask, needSidecar, type SidecarOption } from "./admin_client.ts";
import { UsageError } from "./exit.ts";
import { tableLines } from "./table.ts";

/** Lists open connections that are meant, the oldest first. */
export async function list(
  { json = false, ...options }: SidecarOption & ConnectionFilter & {
    json?: boolean;
  },
): Promise<number> {
  const sidecar = await needSidecar(options);
  const query = new URLSearchParams(Object.entries(filterOf(options)));
  const path = query.size === 0
    ? "/v1/connections"
    : `/v1/connections?${query}`;
  const answer = await ask<ConnectionList>(sidecar, "GET", path);
  const { connections, total } = answer;
  if (json) {
    console.log(JSON.stringify(answer, null, 2));
    return 0;
  }
  for (const line of tableLines([TITLES, ...connections.map(row)])) {
    console.log(line);
  }
  const more = total - connections.length;
  if (more > 0) console.log(`and ${more} more, which are younger`);
  return 0;
}

/** What was given of it. */
function filterOf(options: ConnectionFilter): ConnectionFilter {
  const { listener, direction, l7proto, parser, source, destination } = options;
  const all = { listener, direction, l7proto, parser, source, destination };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  );
}

const TITLES = [
  ...["ID", "LISTENER", "DIRECTION", "SOURCE", "DESTINATION", "PARSER"],
  ...["AGE", "BYTES"],
];

function row(one: ConnectionState): string[] {
  return [
    String(one.id),
    one.listener,
    one.direction,
    one.source,
    one.destination,
    one.parser ?? one.l7proto ?? "-",
    `${Math.round(one.ageMs / 1000)} s`,
    `${one.bytesForward} + ${one.bytesReply}`,
  ];
}

/** Ends one connection, or all that are meant. */
export async function close(
  id: string | undefined,
  { json = false, ...options }: SidecarOption & ConnectionFilter & {
    json?: boolean;
  },
): Promise<number> {
  const which = readWhich(id, filterOf(options));
  const sidecar = await needSidecar(options);
  const answer = await ask<{ closed: number }>(
    sidecar,
    "POST",
    "/v1/connections/close",
    which,
  );
  const { closed } = answer;
  console.log(
    json
      ? JSON.stringify(answer)
      : `closed ${closed} ${closed === 1 ? "connection" : "connections"}`,
  );
  return 0;
}

function readWhich(id: string | undefined, filter: ConnectionFilter): Which {
  const isFiltered = Object.keys(filter).length > 0;
  if ((id === undefined) === !isFiltered) {
    throw new UsageError(
      "name what to close: either the ID of a connection or --parser NAME@VERSION, or other filters; parley connections list has the same",
    );
  }
  if (id === undefined) return filter;
  const number = Number(id);
  if (/^\d+$/.test(id) && Number.isSafeInteger(number) && number > 0) {
    return { id: number };
  }
  throw new UsageError(
    `${
      JSON.stringify(id)
    } is no connection's ID; parley connections list shows them`,
  );
}
