/** Policies that are put in: judged whole, in force at once, kept, and never torn. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { gone, ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { allowing, PORT, words } from "../processes/words.ts";
import { type Asked, assertProblem, overSocket } from "./client.ts";

/** Kills of the loop; by hand more: `PARLEY_KILLS=200`. */
const KILLS = Number(Deno.env.get("PARLEY_KILLS") ?? 20);
const YAML = { "content-type": "application/yaml" };

function put(text: string, more: Record<string, string> = {}): Asked {
  return { method: "PUT", headers: { ...YAML, ...more }, body: text };
}

function options(server: LineServer, admin: object = {}) {
  return {
    config: {
      admin,
      listeners: [{ name: "a", upstream: server.address, port: PORT }],
    },
    parsers: { "words.ts": words() },
  };
}

Deno.test({
  name:
    "a policy that is put in counts for open connections when it is answered; one that is removed no longer",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      ...options(server),
      policies: { "words.yaml": allowing("yes") },
      config: { ...options(server).config, policies: ["policies/"] },
    });
    const at = parley.adminSocket;
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("yes\n", "\n"), "yes\n");
    const more = allowing("more").replace(/name: ?\S+/, "name: more")
      .replace(/"name":\s*"[^"]*"/, '"name": "more"');
    const created = await overSocket(at, "/v1/policies/more", put(more));
    assertEquals(created.status, 201, created.text);
    assertEquals(created.headers.get("location"), "/v1/policies/more");
    assertEquals(
      created.json.documents.map((
        { status }: { status: string },
      ) => status),
      ["applied"],
    );
    assertEquals(await wire.ask("more\n", "\n"), "more\n");

    const { stored, policy } = (await overSocket(at, "/v1/policies")).json;
    assertEquals(stored.map(({ name }: { name: string }) => name), ["more"]);
    assertEquals(policy.documents.length, 2);

    const read = await overSocket(at, "/v1/policies/more");
    assertEquals(read.text, more);
    const etag = read.headers.get("etag")!;
    assertEquals(etag, created.headers.get("etag"));

    const gone = await overSocket(at, "/v1/policies/more", {
      method: "DELETE",
      headers: { "if-match": etag },
    });
    assertEquals([gone.status, gone.text], [204, ""]);
    assert(await wire.ask("more\n", "\n") !== "more\n", "it is denied again");
    assertEquals(await wire.ask("yes\n", "\n"), "yes\n");
  },
});

Deno.test({
  name:
    "a policy that is wrong, or in conflict, is refused with its lines, and changes nothing",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(
      options(server, { policies: "kept" }),
    );
    const at = parley.adminSocket;
    const good = allowing("yes");
    assertEquals(
      (await overSocket(at, "/v1/policies/a", put(good))).status,
      201,
    );
    const before = (await overSocket(at, "/v1/policies")).text;
    const wrong = [
      { text: good.replace("spec", "specc"), says: /a\.yaml:\d+:\d+: .*specc/ },
      { text: "{", says: /a\.yaml:1:/ },
      {
        text: "[".repeat(1024 * 1024),
        says: /a\.yaml:1:1\d\d: .*: nest at most 64 levels/,
      },
      { text: "just text", says: /neither a policy object/ },
      { text: "", says: /holds no document/ },
      { text: "# nothing\n---\n", says: /holds no document/ },
    ];
    for (const { text, says } of wrong) {
      const refused = await overSocket(at, "/v1/policies/a", put(text));
      assertEquals(refused.status, 422, text);
      assertProblem(refused);
      assertMatch(refused.json.detail, says);
      const [first] = refused.json.errors;
      assert(first.line >= 1 && first.column >= 1 && first.mend);
    }
    for (const text of ["", "# nothing\n---\n"]) {
      const refused = await overSocket(at, "/v1/policies/new", put(text));
      assertEquals(refused.status, 422, text);
      assertProblem(refused);
      assertMatch(refused.json.detail, /new\.yaml:1:1: .*holds no policy/);
    }
    const twin = await overSocket(at, "/v1/policies/b", put(good));
    assertEquals(twin.status, 422);
    assertMatch(twin.json.detail, /default\/|words/);
    assertEquals((await overSocket(at, "/v1/policies")).text, before);
    assertEquals(await names(`${parley.folder}/kept`), ["a.yaml"]);
  },
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .sort();
}

Deno.test({
  name: "a change that is meant for another version is not made",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server));
    const path = "/v1/policies/a";
    const at = parley.adminSocket;
    const [one, two] = [allowing("one"), allowing("two")];
    const any = { "if-match": "*" };
    assertEquals((await overSocket(at, path, put(one, any))).status, 412);
    const isNew = { "if-none-match": "*" };
    const first = await overSocket(at, path, put(one, isNew));
    assertEquals(first.status, 201);
    const etag = first.headers.get("etag")!;
    const again = await overSocket(at, path, put(two, isNew));
    assertEquals(again.status, 412);
    assertProblem(again);
    assert(again.json.detail.includes(etag));
    for (const field of ['"x"', `W/${etag}`, "x", `${etag},`]) {
      const stale = await overSocket(at, path, put(two, { "if-match": field }));
      assertEquals(stale.status, 412, field);
    }
    const meant = { "if-match": `"x", ${etag}` };
    assertEquals((await overSocket(at, path, put(two, meant))).status, 200);
    assertEquals((await overSocket(at, path)).text, two);
    const known = { "if-none-match": etag };
    assertEquals((await overSocket(at, path, { headers: known })).status, 200);
    const current = (await overSocket(at, path)).headers.get("etag")!;
    const weak = { headers: { "if-none-match": `"x", W/${current}` } };
    assertEquals((await overSocket(at, path, weak)).status, 304);
    const { status, text } = await overSocket(at, path, {
      headers: {
        "if-none-match": (await overSocket(at, path)).headers.get("etag")!,
      },
    });
    assertEquals([status, text], [304, ""]);

    const both = await Promise.all(
      [one, one.replace("one", "three")].map((text) =>
        overSocket(at, "/v1/policies/b", put(rename(text), isNew))
      ),
    );
    assertEquals(both.map(({ status }) => status).sort(), [201, 412]);
  },
});

/** The same policy under another name. */
function rename(text: string): string {
  return text.replace(/name: ?\S+/, "name: other")
    .replace(/"name":\s*"[^"]*"/, '"name": "other"');
}

Deno.test({
  name:
    "without a folder what was put in ends with the sidecar; with one it stays",
  ignore,
  async fn() {
    await using server = new LineServer();
    const folder = await Deno.makeTempDir();
    try {
      for (const kept of [true, false]) {
        const admin = kept ? { policies: `${folder}/new/kept` } : {};
        const texts: (string | undefined)[] = [];
        for (const round of [1, 2]) {
          await using parley = await Parley.start(options(server, admin));
          const at = parley.adminSocket;
          const { status, text } = await overSocket(at, "/v1/policies/a");
          texts.push(status === 200 ? text : undefined);
          if (round === 1) {
            await overSocket(at, "/v1/policies/a", put(allowing("yes")));
          }
        }
        assertEquals(texts, [undefined, kept ? allowing("yes") : undefined]);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name:
    `a sidecar that is killed at any instant of a change has the old text or the new one afterwards (${KILLS} kills)`,
  ignore,
  async fn() {
    await using server = new LineServer();
    const folder = await Deno.makeTempDir();
    const kept = `${folder}/kept`;
    // So long that a torn one would show.
    const texts = ["yes", "no"].map((word) =>
      `# ${"x".repeat(200_000)}\n${allowing(word)}`
    );
    let now: string | undefined;
    let took = 0;
    const seen = { old: 0, new: 0 };
    try {
      for (let round = 0; round < KILLS; round++) {
        await using parley = await Parley.start(
          options(server, { policies: kept }),
        );
        const at = parley.adminSocket;
        const found = await overSocket(at, "/v1/policies/a");
        const text = found.status === 200 ? found.text : undefined;
        if (round > 0) {
          const next = texts[(round - 1) % 2]!;
          assert(text === now || text === next, `torn in round ${round}`);
          seen[text === next ? "new" : "old"]++;
          const { json } = await overSocket(at, "/v1/status");
          assertEquals(json.policy.problems, []);
        }
        assert((await names(kept)).every((name) => name === "a.yaml"));
        now = text;
        const began = performance.now();
        const change = overSocket(at, "/v1/policies/a", put(texts[round % 2]!))
          .catch(() => undefined);
        if (round === 0) {
          await change;
          took = performance.now() - began;
        } else {
          // Spread over the time that a change takes, as the first one did.
          const at = took * ((round * 37) % KILLS) / KILLS;
          await new Promise((resolve) => setTimeout(resolve, at));
        }
        parley.signal("SIGKILL");
        await gone(parley.pid);
        await change;
      }
      console.log(`    after a kill: ${seen.new} new, ${seen.old} old`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
