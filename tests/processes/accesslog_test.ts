/** The access log as those see it who follow it through the admin API. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll, within } from "../e2e/wait.ts";
import { Raw } from "./admin_client.ts";
import { ignore, type Options, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

function options(upstream: string, more: object = {}): Options {
  return {
    config: {
      policies: ["policies/"],
      data: { workers: 2 },
      listeners: [{ name: "a", upstream, port: PORT }],
      ...more,
    },
    parsers: { "words.ts": words() },
    policies: { "words.yaml": allowing("yes") },
  };
}

/** A client that reads server-sent events. */
class Events implements AsyncDisposable {
  readonly #client: Deno.HttpClient;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #held = "";
  /** What has come. */
  readonly lines: Record<string, unknown>[] = [];
  dropped = 0;

  private constructor(client: Deno.HttpClient, body: ReadableStream) {
    this.#client = client;
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(socket: string, query = ""): Promise<Events> {
    const client = Deno.createHttpClient({
      proxy: { transport: "unix", path: socket },
    });
    const response = await fetch(`http://parley/v1/accesslog${query}`, {
      client,
    });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    return new Events(client, response.body!);
  }

  /** Reads until so much has come. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      const { value, done } = await within(
        this.#reader.read(),
        () => `further event after ${JSON.stringify(this.lines.at(-1))}`,
      );
      assert(!done, "the stream ended");
      this.#take(value!);
    }
  }

  #take(text: string): void {
    const blocks = (this.#held + text).split("\n\n");
    this.#held = blocks.pop()!;
    for (const block of blocks) {
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data === undefined) continue;
      if (block.startsWith("event: dropped\n")) {
        this.dropped += JSON.parse(data).dropped;
      } else this.lines.push(JSON.parse(data));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    this.#client.close();
  }
}

Deno.test({
  name:
    "who follows gets every line that fits, of all workers, from the moment that the answer begins",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    await using all = await Events.open(parley.adminSocket);
    await using denied = await Events.open(
      parley.adminSocket,
      "?verdict=denied&type=request&l7proto=words&direction=ingress",
    );
    await using none = await Events.open(parley.adminSocket, "?l7proto=other");
    for (let i = 0; i < 10; i++) {
      using wire = await parley.connect("a");
      await wire.ask("yes\n", "yes\n");
      await wire.ask("no\n", "\n");
    }
    await denied.until(() => denied.lines.length === 10);
    await all.until(() => all.lines.length === 30);
    const written = await parley.log.expect(30, {});
    assertEquals(sorted(all.lines), sorted(written));
    for (const { verdict, type } of denied.lines) {
      assertEquals([verdict, type], ["denied", "request"]);
    }
    assertEquals([all.dropped, denied.dropped, none.lines.length], [0, 0, 0]);
  },
});

function sorted(lines: readonly object[]): string[] {
  return lines.map((line) => JSON.stringify(line)).sort();
}

Deno.test({
  name:
    "a follower that does not read loses lines and is told how many; requests, and followers that read, do not wait for it",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(
      options(server.address, { data: { workers: 1 } }),
    );
    using slow = await Raw.connect(parley.adminSocket);
    await slow.send("GET /v1/accesslog HTTP/1.1\r\nhost: parley\r\n\r\n");
    await using quick = await Events.open(
      parley.adminSocket,
      "?verdict=denied",
    );
    using wire = await parley.connect("a");
    const rounds = 15; // some 2.5 MB of lines
    const [words, depth] = ["yes\n".repeat(500), 500];
    for (let i = 0; i < rounds; i++) {
      await wire.ask(words, words);
      await wire.ask("no\n", "\n");
      // Who reads keeps up: what is copied waits within a bound for everybody.
      await quick.until(() => quick.lines.length === i + 1);
    }
    assertEquals(quick.dropped, 0);
    wire.close();
    const all = rounds * (depth + 1) + 1;
    const said = await slow.readUntil((text) =>
      shownIn(text) + lostIn(text) >= all
    );
    assertEquals(shownIn(said) + lostIn(said), all);
    assert(lostIn(said) > 0, "nothing was lost");
  },
});

/** Lines among events, and lines that events tell the loss of. */
function shownIn(events: string): number {
  return [...events.matchAll(/^data: \{"time".*\n/gm)].length;
}

function lostIn(events: string): number {
  return [...events.matchAll(/^data: \{"dropped":(\d+)\}/gm)]
    .reduce((sum, [, count]) => sum + Number(count), 0);
}

Deno.test({
  name: "workers copy lines only while somebody follows",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    const descriptors = async () => {
      const workers = await parley.workers();
      const each = workers.map((pid) =>
        Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))
      );
      return (await Promise.all(each)).map(({ length }) => length);
    };
    const before = await descriptors();
    {
      await using _events = await Events.open(parley.adminSocket);
      const more = before.map((count) => count + 1);
      await poll(
        async () => String(await descriptors()) === String(more) || undefined,
        () => `copies: ${more} descriptors`,
      );
    }
    using head = await Raw.connect(parley.adminSocket);
    await head.send("HEAD /v1/accesslog HTTP/1.1\r\nhost: parley\r\n\r\n");
    const answer = await head.readToEnd();
    assertMatch(answer, /^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
    assertMatch(answer, /content-type: text\/event-stream/);
    await poll(
      async () =>
        String(await descriptors()) === String(before) ? true : undefined,
      () => "end of the copies",
    );
  },
});

Deno.test({
  name:
    "parley logs prints the last lines that fit, and with -f those that come; parley metrics list the metrics",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    using wire = await parley.connect("a");
    await wire.ask("no\n", "\n");
    for (let i = 0; i < 120; i++) await wire.ask("yes\n", "yes\n");
    const denied = await parley.run("logs", "--verdict", "denied");
    assertEquals(denied.code, 0, denied.err);
    const [line, ...more] = denied.out.trimEnd().split("\n");
    assertEquals(more, []);
    assertEquals(JSON.parse(line!).fields, { word: "no", edition: 1 });
    const all = await parley.run("logs", "--json");
    assertEquals(all.out.trimEnd().split("\n").length, 101);

    const listed = await parley.run("metrics", "list");
    assertMatch(
      listed.out,
      /^parley_requests_total +l7proto="words" verdict="denied" direction="ingress" policy="" +1$/m,
    );
    const json = await parley.run("metrics", "list", "--json");
    assert(JSON.parse(json.out).metrics.length > 20);
  },
});

Deno.test({
  name:
    "as many filters as there may be are followed, and all else goes on: the policy changes, requests are answered",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    const followers = await Promise.all(
      Array.from(
        { length: 32 },
        (_, i) => Events.open(parley.adminSocket, `?l7proto=p${i}`),
      ),
    );
    try {
      await parley.savePolicy("words.yaml", allowing("no"));
      await parley.until(/policy version 2 is in force/);
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("no\n", "\n"), "no\n");
    } finally {
      for (const follower of followers) await follower[Symbol.asyncDispose]();
    }
  },
});
