/**
 * `parley connections list` and `parley connections close`.
 *
 * @module
 */
import type {
  ConnectionList,
  ConnectionState,
  Which,
} from "../proxy/administered.ts";
import { ask, needSidecar, type SidecarOption } from "./admin_client.ts";
import { UsageError } from "./exit.ts";
import { tableLines } from "./table.ts";

/** Lists open connections, the oldest first. */
export async function list(
  { json = false, ...option }: SidecarOption & { json?: boolean },
): Promise<number> {
  const sidecar = await needSidecar(option);
  const answer = await ask<ConnectionList>(sidecar, "GET", "/v1/connections");
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

/** Ends one connection, or all on a version of a parser. */
export async function close(
  id: string | undefined,
  { parser, ...option }: SidecarOption & { parser?: string },
): Promise<number> {
  const which = readWhich(id, parser);
  const sidecar = await needSidecar(option);
  const { closed } = await ask<{ closed: number }>(
    sidecar,
    "POST",
    "/v1/connections/close",
    which,
  );
  console.log(
    `closed ${closed} ${closed === 1 ? "connection" : "connections"}`,
  );
  return 0;
}

function readWhich(id: string | undefined, parser: string | undefined): Which {
  if ((id === undefined) === (parser === undefined)) {
    throw new UsageError(
      "name what to close: either the ID of a connection or --parser NAME@VERSION",
    );
  }
  if (parser !== undefined) return { parser };
  const number = Number(id);
  if (/^\d+$/.test(id!) && Number.isSafeInteger(number) && number > 0) {
    return { id: number };
  }
  throw new UsageError(
    `${
      JSON.stringify(id)
    } is no connection's ID; parley connections list shows them`,
  );
}
