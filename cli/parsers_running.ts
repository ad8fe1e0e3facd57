/**
 * `parley parsers list` and `parley parsers reload` of a running sidecar.
 *
 * @module
 */
import type { ParserState, VersionState } from "../proxy/administered.ts";
import { escapeLines } from "../policy/problem.ts";
import { versionText } from "../proxy/versions.ts";
import {
  ask,
  needSidecar,
  type SidecarAddress,
  type SidecarOption,
} from "./admin_client.ts";
import { EXIT_FAILED } from "./exit.ts";
import { tableLines } from "./table.ts";

/** What the sidecar answers. */
interface Parsers {
  readonly parsers: readonly ParserState[];
}

/** Lists the parsers of a sidecar; 1 if the newest content of one was refused. */
export async function listRunning(
  sidecar: SidecarAddress,
  json: boolean,
): Promise<number> {
  const { parsers } = await ask<Parsers>(sidecar, "GET", "/v1/parsers");
  if (json) console.log(JSON.stringify(parsers, null, 2));
  else for (const line of table(parsers)) console.log(line);
  return exitOf(parsers);
}

/** Has parsers staged again; 1 if one is refused. */
export async function reload(
  name: string | undefined,
  { json = false, ...option }: SidecarOption & { json?: boolean },
): Promise<number> {
  const sidecar = await needSidecar(option);
  const path = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  const { parsers } = await ask<Parsers>(
    sidecar,
    "POST",
    `/v1/parsers${path}/reload`,
  );
  if (json) console.log(JSON.stringify(parsers, null, 2));
  else for (const parser of parsers) console.log(escapeLines(outcome(parser)));
  return exitOf(parsers);
}

function exitOf(parsers: readonly ParserState[]): number {
  return parsers.some(({ refused }) => refused !== undefined) ? EXIT_FAILED : 0;
}

function outcome({ name, version, idle, refused }: ParserState): string {
  if (idle !== undefined) {
    return `${
      versionText({ name, version: idle })
    } is idle until a listener or a policy names it`;
  }
  const serves = version === undefined
    ? "no version serves"
    : `${versionText({ name, version })} serves new connections`;
  return refused === undefined ? serves : `refused: ${refused}\n${serves}`;
}

const TITLES = [
  ...["NAME", "VERSION", "STATE", "CONNECTIONS", "PANICS", "SINCE", "FROM"],
];

function table(parsers: readonly ParserState[]): string[] {
  return tableLines([
    TITLES,
    ...parsers.flatMap((parser) =>
      parser.versions.map((version) => row(parser, version))
    ),
  ]);
}

function row(
  { name, builtIn, file }: ParserState,
  { version, state, connections, panics, since, refused }: VersionState,
): string[] {
  return [
    name,
    version,
    state,
    String(connections),
    String(panics),
    since ?? "-",
    refused === undefined ? builtIn ? "built in" : file : refused,
  ];
}
