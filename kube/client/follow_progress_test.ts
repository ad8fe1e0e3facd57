/** How far a collection is followed, and what is made of watches that say nothing. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { within } from "../../tests/e2e/wait.ts";
import { KubeClient } from "./client.ts";
import { follow } from "./follow.ts";

/** What the stand-in answers to one request. */
type Answer =
  /** Objects of version 5, in a list of this version. */
  | { readonly list: readonly string[]; readonly version: string }
  /** It stays open. */
  | { readonly watch: readonly object[] }
  /** A watch that says nothing, and ends in order after so many milliseconds. */
  | { readonly silent: number };

function event(type: string, name: string, resourceVersion: string) {
  return { type, object: { metadata: { name, resourceVersion } } };
}

const bookmark = {
  type: "BOOKMARK",
  object: { metadata: { resourceVersion: "42" } },
};
const gone = { type: "ERROR", object: { code: 410, message: "too old" } };

/** Follows until version 99; what was asked, and what was told. */
async function run(script: readonly Answer[]) {
  const [asked, told]: [string[], string[]] = [[], []];
  const answers = [...script];
  const stop = new AbortController();
  const isLast = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) => {
      const isWatch = new URL(url).searchParams.has("watch");
      asked.push(isWatch ? "watch" : "list");
      return responseOf(answers.shift()!);
    },
  );
  using client = new KubeClient({
    server: `http://127.0.0.1:${server.addr.port}`,
  });
  const following = follow<string>({
    client,
    path: "/api/v1/things",
    read: (object) => (object as { metadata: { name: string } }).metadata.name,
    set: (name) => told.push(`+${name}`),
    remove: ({ name }) => told.push(`-${name}`),
    synced() {},
    progress: {
      reads: (version) => told.push(`reads ${version}`),
      has(version) {
        told.push(`has ${version}`);
        if (version === "99") isLast.resolve();
      },
    },
    log: { warn() {} },
    signal: stop.signal,
  });
  try {
    await within(isLast.promise, () => `version 99; it was told ${told}`);
  } finally {
    stop.abort();
    await following;
  }
  return { asked, told };
}

function responseOf(answer: Answer): Response {
  if ("list" in answer) {
    return Response.json({
      apiVersion: "v1",
      kind: "ThingList",
      metadata: { resourceVersion: answer.version },
      items: answer.list.map((name) => ({
        metadata: { name, resourceVersion: "5" },
      })),
    });
  }
  return new Response(
    new ReadableStream<string>({
      start(controller) {
        if ("silent" in answer) {
          setTimeout(() => controller.close(), answer.silent);
        } else {
          controller.enqueue(
            answer.watch.map((event) => `${JSON.stringify(event)}\n`).join(""),
          );
        }
      },
    }).pipeThrough(new TextEncoderStream()),
  );
}

Deno.test("follow() tells how far it is, before and after what it takes", async () => {
  const { told } = await run([
    { list: ["a", "b"], version: "6" },
    { watch: [event("DELETED", "a", "7"), bookmark, gone] },
    { list: ["c"], version: "50" },
    { watch: [event("ADDED", "last", "99")] },
  ]);
  assertEquals(told, [
    // What was removed before the first list is not known.
    ...["reads 5", "+a", "reads 5", "+b", "reads 6", "has 6"],
    ...["reads 7", "-a", "has 7", "has 42"],
    // Of what is gone, the list's version is all that is known.
    ...["reads 5", "+c", "reads 50", "-b", "has 50"],
    ...["reads 99", "+last", "has 99"],
  ]);
});

Deno.test("follow() lists again after a watch that said nothing to its end", async () => {
  const { asked, told } = await run([
    { list: ["a", "b"], version: "6" },
    { silent: 1_200 },
    { list: ["b"], version: "99" },
    { watch: [] },
  ]);
  assertEquals(asked.slice(0, 3), ["list", "watch", "list"]);
  assertEquals(told.slice(-4), ["+b", "reads 99", "-a", "has 99"]);
});
