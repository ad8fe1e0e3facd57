/**
 * Policies that change, and policy files that break, while requests go on.
 *
 * `PARLEY_SWAPS=1000 deno test -A proxy/policy_swap_test.ts` changes more often.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { Field } from "./sidecar_field_test.ts";
import { type Client, within } from "./transport/harness_test.ts";

const SWAPS = Number(Deno.env.get("PARLEY_SWAPS") ?? 60);

/** The policy of a version: HALT, and READ of that version's file. Every version is another document. */
function version(n: number): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: v${n} }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - fromEntities: [ all ]
    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2, l7: [ { cmd: HALT }, { cmd: READ, file: "^v${n}$" } ] }
`;
}

/** Puts a policy in place of the one before: at no moment is the file half written. */
async function save(field: Field, text: string): Promise<void> {
  await field.write("policies/.next", text);
  const folder = `${field.folder}/policies`;
  await Deno.rename(`${folder}/.next`, `${folder}/p.yaml`);
}

/** A connection, read line by line. */
class Lines implements Disposable {
  #text = "";

  constructor(readonly client: Client) {}

  /** The next line without its end; nothing at the end of the stream. */
  async line(): Promise<string | undefined> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      const length = await within("a line", this.client.conn.read(buffer));
      if (length === null) return undefined;
      this.#text += new TextDecoder().decode(buffer.subarray(0, length));
    }
  }

  async ask(request: string): Promise<string | undefined> {
    await this.client.send(`${request}\r\n`);
    return await this.line();
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}

/** Answers every request that arrives with `ok`, until the client has said all. */
async function serve(server: Client): Promise<void> {
  const lines = new Lines(server);
  while (await lines.line() !== undefined) await server.send("ok\r\n");
  await server.shut();
}

Deno.test(`${SWAPS} changes of policy under load: each counts from the next request, whole, and none is lost`, async () => {
  await using field = await Field.make();
  await field.write("policies/p.yaml", version(0));
  await field.start();
  const serving: Promise<void>[] = [];
  const connect = async () => {
    const client = await field.connect();
    serving.push(serve(await field.upstream.take()));
    return new Lines(client);
  };
  using asker = await connect();
  let isOver = false;
  let sent = 1 + 2 * SWAPS;
  const loading = [await connect(), await connect(), await connect()];
  const load = loading.map(async (client) => {
    while (!isOver) {
      await client.client.send("HALT\r\n".repeat(20));
      sent += 20;
      for (let i = 0; i < 20; i++) assertEquals(await client.line(), "ok");
    }
    await client.client.shut();
  });
  assertEquals(await asker.ask("READ v0"), "ok");
  for (let n = 1; n <= SWAPS; n++) {
    const inForce = field.told(/policy version \d+ is in force/);
    await save(field, version(n));
    await inForce;
    assertEquals(await asker.ask(`READ v${n}`), "ok");
    assertEquals(await asker.ask(`READ v${n - 1}`), "ERROR");
  }
  isOver = true;
  await Promise.all(load);
  for (const client of loading) client[Symbol.dispose]();
  await asker.client.shut();
  await Promise.all(serving);
  await field.drain();

  let logged = 0;
  const newest = new Map<number, number>();
  for await (const line of linesOf(`${field.folder}/access.log`)) {
    const { type, connection, verdict, rule } = JSON.parse(line);
    if (type !== "request") continue;
    logged++;
    if (verdict === "denied") continue;
    // Without a rule, it was judged between two versions.
    const [, n] = /^default\/v(\d+)#/.exec(rule) ?? [];
    assert(n !== undefined, rule);
    assert(
      Number(n) >= (newest.get(connection) ?? 0),
      "an older version again",
    );
    newest.set(connection, Number(n));
  }
  assertEquals(logged, sent);
});

/** The lines of a file that may be too long for one text. */
async function* linesOf(path: string): AsyncGenerator<string> {
  using file = await Deno.open(path);
  const texts = file.readable.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

const GOOD = version(0);

/** What may become of a file: its text, and what is said of it. */
const BROKEN: readonly [
  name: string,
  text: string | Uint8Array,
  says: RegExp,
][] = [
  ["a bracket that is not closed", `${GOOD}  - [`, /yaml\.syntax/],
  [
    "half of it",
    GOOD.slice(0, GOOD.indexOf("4040")),
    /yaml\.syntax/,
  ],
  [
    "bytes that are no text",
    Uint8Array.from({ length: 64 }, (_, i) => i * 37 & 255),
    /p\.yaml:\d+/,
  ],
  [
    "a tab for indentation",
    GOOD.replace("  ingress", "\tingress"),
    /yaml\.syntax/,
  ],
  ["a key twice", GOOD.replace("spec:", "spec: {}\nspec:"), /yaml\.key-twice/],
  ["an alias without its anchor", GOOD.replace("[ all ]", "*all"), /yaml\./],
  ["a misspelt key", GOOD.replace("ingress", "ingres"), /schema\.unknown-key/],
  [
    "a misspelt kind",
    GOOD.replace("CiliumNetwork", "CilumNetwork"),
    /doc\.kind/,
  ],
  [
    "another API version",
    GOOD.replace("cilium.io/v2", "cilium.io/v9"),
    /schema\.value/,
  ],
  ["no name", GOOD.replace("name: v0", ""), /doc\.name/],
  ["no rule", GOOD.slice(0, GOOD.indexOf("spec:")), /doc\.empty/],
  [
    "no subject",
    GOOD.replace(/ {2}endpointSelector.*\n/, ""),
    /rule\.no-subject/,
  ],
  ["a label that cannot be", GOOD.replace("droid", "-droid"), /sel\.value/],
  ["an entity that is none", GOOD.replace("all ]", "al ]"), /peer\.entity/],
  [
    "a prefix that is none",
    GOOD.replace("fromEntities: [ all ]", "fromCIDR: [ 1.2.3 ]"),
    /cidr\.parse/,
  ],
  ["a port without quotes", GOOD.replace('"4040"', "4040"), /schema\.type/],
  ["a port that is none", GOOD.replace("4040", "70000"), /port\.parse/],
  ["a protocol that is none", GOOD.replace("TCP", "TPC"), /port\.proto/],
  ["a parser that is none", GOOD.replace("r2d2", "r2d3"), /l7\.unknown-proto/],
  [
    "a key that no rule has",
    GOOD.replace("cmd: HALT", "comd: HALT"),
    /r2d2\.key/,
  ],
  ["a command that is none", GOOD.replace("HALT", "HALTT"), /r2d2\.cmd/],
  ["an expression that is none", GOOD.replace("^v0$", "(v0"), /r2d2\.regex/],
];

Deno.test(`${BROKEN.length} kinds of broken files: the policy in force stays, and file and reason are told`, async () => {
  await using field = await Field.make();
  await field.write("policies/p.yaml", GOOD);
  await field.start();
  using client = new Lines(await field.connect());
  const serving = serve(await field.upstream.take());
  for (const [name, text, says] of BROKEN) {
    const before = field.warned(/./).length;
    const told = field.told(/p\.yaml:\d+:\d+: (?!warning)/);
    await Deno.writeFile(
      `${field.folder}/policies/p.yaml`,
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
    await told;
    assertMatch(field.warned(/./).slice(before).join("\n"), says, name);
    assertEquals(
      [await client.ask("READ v0"), await client.ask("READ v1")],
      ["ok", "ERROR"],
      name,
    );
  }
  const inForce = field.told(/policy version \d+ is in force/);
  await field.write("policies/p.yaml", version(1));
  await inForce;
  assertEquals([await client.ask("READ v0"), await client.ask("READ v1")], [
    "ERROR",
    "ok",
  ]);
  await client.client.shut();
  await serving;
});
