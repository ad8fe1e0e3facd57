/**
 * The TCP listener of the admin API: its address, its certificate, its token.
 *
 * @module
 */
import type { Config } from "../proxy/config/model.ts";
import { isLoopback } from "../proxy/loopback.ts";
import { thrownText } from "../proxy/thrown.ts";
import { admit, type Door } from "./gate.ts";
import type { Entrance } from "./server.ts";
import { RequestError } from "./problem.ts";

/** No token is longer. */
const TOKEN_MAX = 4096;

/** What a listener over TCP needs of the configuration. */
export type TcpSettings =
  & Pick<Config["admin"], "tokenFile" | "tls" | "hosts">
  & {
    readonly listen: NonNullable<Config["admin"]["listen"]>;
  };

/** What a listener tells of its certificate. */
export interface TcpReports {
  /** Another one is to be used: listen anew. Not to be waited for. */
  changed(): void;
  warn(message: string): void;
}

/**
 * Listens.
 *
 * @throws {Error} when it cannot, or when anybody could reach it who shows no token
 */
export async function listenTcp(
  settings: TcpSettings,
  reports: TcpReports,
): Promise<Entrance> {
  const { listen, tls, tokenFile } = settings;
  const { hostname, port } = listen;
  const pair = tls && await readPair(tls);
  const listener: Deno.Listener = pair
    ? Deno.listenTls({ hostname, port, ...pair })
    : Deno.listen({ hostname, port });
  const bound = listener.addr as Deno.NetAddr;
  const isOwn = isLoopback(bound.hostname);
  if (!isOwn && tokenFile === undefined) {
    listener.close();
    throw new Error(
      `${hostname} is ${bound.hostname}, which is not loopback: add admin.tokenFile`,
    );
  }
  const door: Door = {
    hosts: new Set(["localhost", hostname.toLowerCase(), ...settings.hosts]),
    isLoopback: isOwn,
    ...(tokenFile === undefined ? {} : { token: () => readToken(tokenFile) }),
  };
  const name = bound.hostname.includes(":")
    ? `[${bound.hostname}]`
    : bound.hostname;
  return {
    listener,
    name: `${tls ? "https" : "http"}://${name}:${bound.port}`,
    admit: (head, conn) => {
      const { hostname } = conn.localAddr as Deno.NetAddr;
      // Where both families are served, IPv4 is written as IPv6.
      return admit(head, door, hostname.replace(/^::ffff:(?=[\d.]+$)/, ""));
    },
    closed: tls && pair
      ? await followPair(tls, pair, reports)
      : () => Promise.resolve(),
  };
}

/** Watches the files; the answer ends that. A pair that cannot be used is told of, and the one in use stays. */
async function followPair(
  files: Pair,
  inUse: Pair,
  { changed, warn }: TcpReports,
): Promise<() => Promise<void>> {
  const { watch } = await import("../proxy/watch.ts");
  let seen = JSON.stringify(inUse);
  const watching = watch([files.cert, files.key], async () => {
    try {
      const pair = await readPair(files);
      const text = JSON.stringify(pair);
      if (text === seen) return;
      seen = text;
      Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
      changed();
    } catch (error) {
      warn(
        `the certificate of the admin API stays as it was: ${
          thrownText(error)
        }; see admin.tls`,
      );
    }
  });
  return () => watching.close();
}

/** A certificate and its key: files, or their texts. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** @throws {Error} when one cannot be read */
async function readPair({ cert, key }: Pair): Promise<Pair> {
  return {
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  };
}

/** The token, read at each use: a new one counts at once, the old one no longer. */
async function readToken(path: string): Promise<string> {
  const unusable = (found: string) =>
    new RequestError(503, `the token file ${found}; see admin.tokenFile`);
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new Error("it is no file");
    if (size > TOKEN_MAX) {
      throw new Error(`it has more than ${TOKEN_MAX} bytes`);
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw unusable(`cannot be read: ${thrownText(error)}`);
  }
  const token = text.trim();
  if (/^[!-~]+$/.test(token)) return token;
  throw unusable("holds no token: it is one word of printable ASCII");
}
