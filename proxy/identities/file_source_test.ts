/** A file of events: what is known of it while it grows, is replaced, breaks and goes. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { formatStatus } from "../../policy/identity_source.ts";
import { FileSource } from "./file_source.ts";

const pod = (cidr: string) => JSON.stringify({ event: "identity", cidr });
const SYNCED = '{"event":"synced"}';

/** A source and its file; `heard` reads it and says which addresses are known. */
class Bench implements AsyncDisposable {
  now = 1_000_000;
  readonly path: string;
  readonly source: FileSource;

  private constructor(readonly folder: string) {
    this.path = `${folder}/cluster.jsonl`;
    this.source = new FileSource(this.path, () => this.now);
  }

  static async make(): Promise<Bench> {
    return new Bench(await Deno.makeTempDir());
  }

  async write(...lines: string[]): Promise<void> {
    await Deno.writeTextFile(`${this.path}.new`, lines.join("\n") + "\n");
    await Deno.rename(`${this.path}.new`, this.path);
  }

  async append(text: string): Promise<void> {
    await Deno.writeTextFile(this.path, text, { append: true });
  }

  async heard(): Promise<string[]> {
    await this.source.read();
    return this.source.knowledge.identities.map(({ cidr }) => cidr);
  }

  get status(): string {
    return formatStatus(this.source.status(this.now))
      .replace(this.folder, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function test(name: string, run: (it: Bench) => Promise<void>): void {
  Deno.test(`FileSource ${name}`, async () => {
    await using it = await Bench.make();
    await run(it);
  });
}

test("knows what the file says, from the event that ends it on", async (it) => {
  await it.write(pod("10.0.0.1"));
  assertEquals(await it.heard(), []);
  assertMatch(it.status, /: starting, never heard: it has not said all/);
  await it.append(`${SYNCED}\n`);
  assertEquals(await it.heard(), ["10.0.0.1"]);
  assertMatch(it.status, /: live, last heard 0 s ago$/);
});

test("waits for the end of a line", async (it) => {
  await it.write(SYNCED);
  const line = pod("10.0.0.1");
  await it.append(line.slice(0, 20));
  assertEquals(await it.heard(), []);
  await it.append(`${line.slice(20)}\n`);
  assertEquals(await it.heard(), ["10.0.0.1"]);
});

test("keeps what it knew until a new file has said all", async (it) => {
  await it.write(pod("10.0.0.1"), SYNCED);
  assertEquals(await it.heard(), ["10.0.0.1"]);
  await it.write(pod("10.0.0.2"));
  assertEquals(await it.heard(), ["10.0.0.1"]);
  await it.append(`${SYNCED}\n`);
  assertEquals(await it.heard(), ["10.0.0.2"]);
});

test("keeps what it knew when the file is gone, and says how old it is", async (it) => {
  await it.write(pod("10.0.0.1"), SYNCED);
  await it.heard();
  await Deno.remove(it.path);
  it.now += 90_000;
  assertEquals(await it.heard(), ["10.0.0.1"]);
  assertMatch(it.status, /: stale, last heard 90 s ago: .*No such file/);
  await it.write(pod("10.0.0.2"), SYNCED);
  assertEquals(await it.heard(), ["10.0.0.2"]);
  assertMatch(it.status, /: live, last heard 0 s ago$/);
});

test("stops at a line that is no event, and goes on once it is mended", async (it) => {
  await it.write(pod("10.0.0.1"), SYNCED);
  await it.heard();
  await it.append(`${pod("10.0.0")}\n${pod("10.0.0.2")}\n`);
  assertEquals(await it.heard(), ["10.0.0.1"]);
  assertMatch(it.status, /: stale, .*line 3 is no event \(at "cidr"\)/);
  await it.write(pod("10.0.0.1"), SYNCED, pod("10.0.0.2"));
  assertEquals(await it.heard(), ["10.0.0.1", "10.0.0.2"]);
});

test("is watched", async (it) => {
  await it.write(SYNCED);
  await it.source.read();
  const { promise, resolve } = Promise.withResolvers<void>();
  it.source.watch(resolve);
  await it.append(`${pod("10.0.0.1")}\n`);
  await promise;
  assertEquals(it.source.knowledge.identities.length, 1);
});
