/** Following a collection, whatever the API server does meanwhile. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { KubeClient } from "./client.ts";
import { follow } from "./follow.ts";

/** What the stand-in answers to one request; a watch may break when an object of it was taken. */
type Script =
  | { readonly list: readonly string[]; readonly more?: string }
  | { readonly watch: readonly object[]; readonly breaks?: string }
  | { readonly status: number };

interface Case {
  readonly name: string;
  readonly script: readonly Script[];
  /** Query of each request, as far as it matters. */
  readonly asked: readonly string[];
  readonly seen: readonly string[];
}

const VERSION = { resourceVersion: "5" };

function event(type: string, name: string, resourceVersion: string) {
  return { type, object: { metadata: { name, resourceVersion } } };
}

const gone = { type: "ERROR", object: { code: 410, message: "too old" } };
/** The last answer of each case: it stays open until the test ends. */
const stays = { watch: [event("ADDED", "last", "99")] };

const CASES: readonly Case[] = [
  {
    name: "lists page by page, and then takes changes",
    script: [{ list: ["a", "b"], more: "next" }, { list: ["c"] }, {
      watch: [
        event("MODIFIED", "a", "6"),
        event("DELETED", "b", "7"),
        event("ADDED", "last", "99"),
      ],
    }],
    asked: ["list", "list next", "watch 5"],
    seen: ["+a", "+b", "+c", "synced", "+a", "-b", "+last"],
  },
  {
    name: "goes on from the last version after a connection that broke",
    script: [
      { list: [] },
      { watch: [event("ADDED", "a", "6")], breaks: "a" },
      stays,
    ],
    asked: ["list", "watch 5", "watch 6"],
    seen: ["synced", "+a", "+last"],
  },
  {
    name: "goes on from a bookmark",
    script: [
      { list: [] },
      {
        watch: [event("ADDED", "a", "6"), {
          type: "BOOKMARK",
          object: { metadata: { resourceVersion: "42" } },
        }],
        breaks: "a",
      },
      stays,
    ],
    asked: ["list", "watch 5", "watch 42"],
    seen: ["synced", "+a", "+last"],
  },
  {
    name: "lists again when its version is gone, and removes what is",
    script: [{ list: ["a", "b"] }, { watch: [gone] }, { list: ["b"] }, stays],
    asked: ["list", "watch 5", "list", "watch 5"],
    seen: ["+a", "+b", "synced", "+b", "-a", "+last"],
  },
  {
    name: "lists again when the server says so at once",
    script: [{ list: ["a"] }, { status: 410 }, { list: ["a"] }, stays],
    asked: ["list", "watch 5", "list", "watch 5"],
    seen: ["+a", "synced", "+a", "+last"],
  },
  {
    name: "removes nothing when a list fails half-way",
    script: [
      { list: ["a", "b"] },
      { watch: [gone] },
      { list: ["a"], more: "next" },
      { status: 500 },
      { list: ["b"] },
      stays,
    ],
    asked: ["list", "watch 5", "list", "list next", "list", "watch 5"],
    seen: ["+a", "+b", "synced", "+a", "+b", "-a", "+last"],
  },
  {
    name: "comes again after a refusal",
    script: [{ status: 503 }, { list: ["a"] }, stays],
    asked: ["list", "list", "watch 5"],
    seen: ["+a", "synced", "+last"],
  },
  {
    name: "lists again when a watch fails at the same place time and again",
    script: [
      { list: ["a", "b"] },
      ...Array(3).fill({ watch: [{ type: "UNHEARD-OF" }] }),
      { list: ["b"] },
      stays,
    ],
    asked: ["list", "watch 5", "watch 5", "watch 5", "list", "watch 5"],
    seen: ["+a", "+b", "synced", "+b", "-a", "+last"],
  },
  {
    name: "goes on after an object that cannot be taken",
    script: [{ list: ["bad", "a"] }, {
      watch: [event("MODIFIED", "bad", "6"), event("ADDED", "last", "99")],
    }],
    asked: ["list", "watch 5"],
    seen: ["+a", "synced", "+last"],
  },
];

for (const { name, script, asked, seen } of CASES) {
  Deno.test(`follow() ${name}`, async () => {
    const requests: string[] = [];
    const changes: string[] = [];
    const stop = new AbortController();
    const answers = [...script];
    const isLast = Promise.withResolvers<void>();
    const breaking = new Map<string, () => void>();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => {
        const { searchParams } = new URL(url);
        const from = searchParams.get("resourceVersion");
        const next = searchParams.get("continue");
        requests.push(
          searchParams.has("watch")
            ? `watch ${from}`
            : ["list", next].filter(Boolean).join(" "),
        );
        return answerOf(answers.shift()!, breaking);
      },
    );
    using client = new KubeClient({
      server: `http://127.0.0.1:${server.addr.port}`,
    });
    const following = follow<string>({
      client,
      path: "/api/v1/things",
      read: (object) =>
        (object as { metadata: { name: string } }).metadata.name,
      set(name) {
        if (name === "bad") throw new RangeError("it nests too deeply");
        changes.push(`+${name}`);
        if (name === "last") isLast.resolve();
        breaking.get(name)?.();
        breaking.delete(name);
      },
      remove: ({ name }) => changes.push(`-${name}`),
      synced: () => changes.push("synced"),
      log: { warn() {} },
      signal: stop.signal,
    });
    await isLast.promise;
    stop.abort();
    await following;
    assertEquals(requests, asked);
    assertEquals(changes, seen);
  });
}

function answerOf(
  script: Script,
  breaking: Map<string, () => void>,
): Response {
  if ("status" in script) return new Response("{}", { status: script.status });
  if ("list" in script) {
    return Response.json({
      apiVersion: "v1",
      kind: "ThingList",
      metadata: { ...VERSION, continue: script.more ?? "" },
      items: script.list.map((name) => ({ metadata: { name, ...VERSION } })),
    });
  }
  const encoder = new TextEncoder();
  const isOpen = script.watch.some((event) =>
    JSON.stringify(event).includes('"last"')
  );
  return new Response(
    new ReadableStream({
      start(controller) {
        const lines = script.watch.map((event) => `${JSON.stringify(event)}\n`);
        controller.enqueue(encoder.encode(lines.join("")));
        if (script.breaks) {
          breaking.set(script.breaks, () => controller.error("broken"));
        } else if (!isOpen) controller.close();
      },
    }),
  );
}
