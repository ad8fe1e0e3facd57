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
import { BROKEN, GOOD, version } from "./broken_policies_harness_test.ts";
import { Field } from "./sidecar_field_test.ts";
import { type Client, within } from "./transport/harness_test.ts";

const SWAPS = Number(Deno.env.get("PARLEY_SWAPS") ?? 60);

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
    await field.save("policies/p.yaml", version(n));
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

Deno.test(`${BROKEN.length} kinds of broken files: the policy in force stays, and file and reason are told`, async () => {
  await using field = await Field.make();
  await field.write("policies/p.yaml", GOOD);
  await field.start();
  using client = new Lines(await field.connect());
  const serving = serve(await field.upstream.take());
  for (const [name, text, says] of BROKEN) {
    const before = field.warned(/./).length;
    const told = field.told(/p\.yaml:\d+:\d+: (?!warning)/);
    await field.save("policies/p.yaml", text);
    await told;
    assertMatch(field.warned(/./).slice(before).join("\n"), says, name);
    assertEquals(
      [await client.ask("READ v0"), await client.ask("READ v1")],
      ["ok", "ERROR"],
      name,
    );
  }
  const inForce = field.told(/policy version \d+ is in force/);
  await field.save("policies/p.yaml", version(1));
  await inForce;
  assertEquals([await client.ask("READ v0"), await client.ask("READ v1")], [
    "ERROR",
    "ok",
  ]);
  await client.client.shut();
  await serving;
});
