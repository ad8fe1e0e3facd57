/**
 * A session with all around it: the engine, the policy and the parsers are the
 * real ones; only the link to the sockets is a recorder. There is no test in
 * this file.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  bytes,
  defineParser,
  error,
  latin1,
  nop,
  type ParserDefinition,
  pass,
  z,
} from "parley/proxylib";
import passer from "../../parsers/passer.ts";
import r2d2 from "../../parsers/r2d2.ts";
import {
  createIdentities,
  createPolicyStore,
  endpointLabels,
} from "../../policy/mod.ts";
import { lineText } from "../accesslog/format.ts";
import { Traffic } from "../counting/traffic.ts";
import { ParserUsage } from "../parser_usage.ts";
import { createCatalog } from "../registry/catalog.ts";
import type { LoadedParser } from "../registry/registry.ts";
import type { Route, SessionContext } from "./context.ts";
import { ProxySession } from "./session.ts";
import { createStore } from "./shared.ts";
import type { Address, End, Link } from "../transport/transport.ts";

/** Bytes: "p" panics, "e" is refused; anything else passes. */
const moody = defineParser({
  description: "test",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  create: () => ({
    onData(_reply, _end, data) {
      if (data[0] === 0x70) throw new Error("no such mood");
      if (data[0] === 0x65) return error("bad-mood");
      return data.length === 0 ? nop() : pass(data.length);
    },
  }),
});

const stillborn = defineParser({
  description: "test",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  create() {
    throw new Error("no state");
  },
});

const PARSERS: Record<string, ParserDefinition> = {
  moody,
  passer,
  r2d2,
  stillborn,
};
/** The peer that the policies speak of: a pilot. */
export const CLIENT = "10.0.0.7";

/** A policy document: its ingress section. */
export function policy(ingress: string): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droid }
spec:
  endpointSelector: { matchLabels: { app: droid } }
${ingress}`;
}

/** A policy of one toPorts item with L7 rules. */
export function l7(proto: string, rules: string): string {
  return policy(`  ingress:
  - fromEndpoints: [ { matchLabels: { role: pilot } } ]
    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: ${proto}, l7: ${rules} }
`);
}

export const PLAIN = policy(`  ingress:
  - fromEndpoints: [ { matchLabels: { role: pilot } } ]
`);
export const NOBODY = policy(`  ingress:
  - fromEndpoints: [ { matchLabels: { role: nobody } } ]
`);
export const DENIED = policy(`  ingress:
  - fromEndpoints: [ { matchLabels: { role: pilot } } ]
  ingressDeny:
  - fromEndpoints: [ { matchLabels: { role: pilot } } ]
`);
export const RULE = "default/droid#spec";

export interface Options extends Partial<SessionContext> {
  /** The policy's text; without one nothing is restricted. */
  readonly yaml?: string;
  readonly upstream?: Address;
  /** Parsers beside the usual ones. */
  readonly definitions?: Readonly<Record<string, ParserDefinition>>;
}

/** A session with all around it. */
export class Bench implements Link {
  readonly lines: Record<string, unknown>[] = [];
  /** What went out, in order: `>text` to the server, `<text` to the client, `$` the end. */
  readonly out: string[] = [];
  readonly ended: ProxySession[] = [];
  unrestored = 0;
  /** How often the session said that it may be read differently. */
  changes = 0;
  /** What the peer that is written to has not taken. */
  unsent = 0;
  /** Of the parser, whichever it is. */
  readonly usage = new ParserUsage(7, () => this.panics++);
  /** Panics before it has served. */
  panics = 0;
  readonly session: ProxySession;
  readonly #parsers = new Map<string, LoadedParser>();
  #time = Date.UTC(2026, 10, 24, 6);
  readonly #store = createPolicyStore(createCatalog({
    names: () => [...this.#parsers.keys()],
    get: (name) => this.#parsers.get(name),
  }));

  constructor({ yaml, upstream, definitions, ...options }: Options = {}) {
    for (
      const [name, definition] of Object.entries({ ...PARSERS, ...definitions })
    ) {
      this.#set(name, "abc123", definition);
    }
    if (yaml !== undefined) this.policy(yaml);
    const route: Route = {
      upstream: upstream ??
        { transport: "tcp", hostname: "127.0.0.1", port: 11211 },
      port: 4040,
      subject: { labels: endpointLabels({ app: "droid" }, "default") },
    };
    const context: SessionContext = {
      listener: "bench",
      direction: "ingress",
      l7proto: undefined,
      mode: "enforce",
      logResponses: false,
      frameBytes: 4096,
      policy: () => this.#store.current,
      peerOf: (address) =>
        createIdentities([{
          cidr: `${CLIENT}/32`,
          labels: { role: "pilot" },
          namespace: "default",
        }]).peerOf(address),
      parser: (name) => this.#parsers.get(name),
      shared: () => createStore(0),
      now: () => this.#time += 2,
      log: (...parts) => this.lines.push(JSON.parse(lineText(...parts))),
      traffic: new Traffic(),
      notRestored: () => this.unrestored++,
      ended: (session) => this.ended.push(session),
      ...options,
    };
    this.session = new ProxySession(
      17,
      context,
      route,
      {
        source: { hostname: CLIENT, port: 40112 },
        destination: { hostname: "10.0.0.1", port: 11311 },
        isOwn: true,
      },
      this,
    );
  }

  #set(name: string, version: string, definition: ParserDefinition): void {
    const { usage } = this;
    this.#parsers.set(name, { name, version, definition, usage });
  }

  /** Another version of a parser serves from now on. */
  serve(name: string, version: string, definition: ParserDefinition): this {
    this.#set(name, version, definition);
    this.session?.parserChanged();
    return this;
  }

  /** Puts another policy in force; it must be whole. */
  policy(yaml: string): this {
    const { problems } = this.#store.update([{ file: "p.yaml", text: yaml }]);
    assertEquals(problems.filter(({ severity }) => severity === "error"), []);
    this.session?.policyChanged();
    return this;
  }

  /** `>text` is the client's, `<text` the server's; a `$` at its end ends it. */
  feed(...chunks: string[]): this {
    for (const chunk of chunks) {
      const end = chunk.endsWith("$");
      const data = bytes(chunk.slice(1, end ? -1 : undefined));
      this.session.feed(chunk[0] === "<", data, end);
    }
    return this;
  }

  write(reply: boolean, data: Uint8Array): void {
    this.out.push(`${reply ? "<" : ">"}${latin1(data)}`);
  }

  queued(_reply: boolean): number {
    return this.unsent;
  }

  end(reply: boolean): void {
    this.out.push(`${reply ? "<" : ">"}$`);
  }

  drain(end: End): void {
    this.out.push(`drain ${end}`);
  }

  changed(): void {
    this.changes++;
  }

  close(end: End): void {
    this.out.push(`close ${end}`);
  }

  /** The lines as `type verdict reason rule`, what is absent as `-`. */
  get brief(): string[] {
    return this.lines.map(({ type, verdict, reason = "-", rule = "-" }) =>
      `${type} ${verdict} ${reason} ${rule}`
    );
  }

  /** The fields of the last line. */
  get fields(): Record<string, unknown> {
    return this.lines.at(-1)!["fields"] as Record<string, unknown>;
  }
}
