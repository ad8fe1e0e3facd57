/** How the policy in force follows its files, and what it does with broken ones. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import r2d2 from "../parsers/r2d2.ts";
import { endpointLabels } from "../policy/mod.ts";
import { defaultConfig } from "./config/mod.ts";
import { PolicySource } from "./policy_source.ts";
import { createCatalog } from "./registry/catalog.ts";

const SUBJECT = { labels: endpointLabels({ app: "droid" }, "default") };

/** A policy that lets peers of one role in. */
function policy(name: string, role: string): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: ${name} }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - fromEndpoints: [ { matchLabels: { role: ${role} } } ]
`;
}

const BROKEN = policy("a", "pilot").replace("fromEndpoints", "fromEndpoint");

/** A policy folder, and what follows it. */
class Bench {
  readonly warnings: string[] = [];
  readonly source: PolicySource;
  parsers = ["r2d2"];

  constructor(readonly folder: string) {
    this.source = new PolicySource({ ...defaultConfig(), policies: [folder] }, [
      SUBJECT,
    ], () =>
      createCatalog({
        names: () => this.parsers,
        get: (name) =>
          this.parsers.includes(name) ? { definition: r2d2 } : undefined,
      }));
  }

  write(file: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.folder}/${file}`, text);
  }

  load(): Promise<void> {
    return this.source.load(this);
  }

  reload(): Promise<boolean> {
    return this.source.reload(this);
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  /** Which of some roles may connect. */
  get admitted(): string[] {
    return ["pilot", "cook", "stranger"].filter((role) => {
      const peer = {
        address: "10.0.0.7",
        labels: endpointLabels({ role }, "default"),
      };
      return this.source.current.resolve({
        subject: SUBJECT,
        direction: "ingress",
        port: 4040,
        peer,
      }).verdict === "allowed";
    });
  }
}

function test(name: string, run: (it: Bench) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley source " });
    try {
      await run(new Bench(folder));
    } finally {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
  });
}

test("without files everybody is admitted", async (it) => {
  await it.load();
  assertEquals(it.admitted, ["pilot", "cook", "stranger"]);
});

test("a changed file is another policy; an unchanged one is not", async (it) => {
  await it.write("a.yaml", policy("a", "pilot"));
  await it.load();
  assertEquals(it.admitted, ["pilot"]);
  assertEquals(await it.reload(), false);
  await it.write("a.yaml", policy("a", "cook"));
  assertEquals(await it.reload(), true);
  assertEquals(it.admitted, ["cook"]);
  await it.write("b.yaml", policy("b", "pilot"));
  assertEquals(await it.reload(), true);
  assertEquals(it.admitted, ["pilot", "cook"]);
  await Deno.remove(`${it.folder}/a.yaml`);
  assertEquals(await it.reload(), true);
  assertEquals(it.admitted, ["pilot"]);
  assertEquals(it.warnings, []);
});

test("a document that breaks keeps its last good version, while others go on", async (it) => {
  await it.write("a.yaml", policy("a", "pilot"));
  await it.load();
  await it.write("a.yaml", BROKEN);
  assertEquals(await it.reload(), false);
  assertEquals(it.admitted, ["pilot"]);
  assertMatch(it.warnings[0]!, /a\.yaml:7:5: .*fromEndpoint/);
  await it.write("b.yaml", policy("b", "cook"));
  assertEquals(await it.reload(), true);
  assertEquals(it.admitted, ["pilot", "cook"]);
});

test("a problem is reported once while it lasts, and again when it comes back", async (it) => {
  await it.write("a.yaml", policy("a", "pilot"));
  await it.load();
  const turns = [BROKEN, BROKEN, BROKEN, policy("a", "pilot"), BROKEN];
  const counts: number[] = [];
  for (const text of turns) {
    await it.write("a.yaml", text);
    await it.reload();
    counts.push(it.warnings.length);
  }
  assertEquals(counts, [1, 1, 1, 1, 2]);
});

test("a folder that cannot be read keeps the policy in force, and is reported once", async (it) => {
  await it.write("a.yaml", policy("a", "pilot"));
  await it.load();
  await Deno.remove(it.folder, { recursive: true });
  assertEquals(await it.reload(), false);
  assertEquals(await it.reload(), false);
  assertEquals(it.admitted, ["pilot"]);
  assertEquals(it.warnings.length, 1);
  assertMatch(it.warnings[0]!, /Cannot read the policy .* stays$/s);
});

test("a broken document at the start is an error that lists every problem", async (it) => {
  await it.write("a.yaml", BROKEN);
  await it.write("b.yaml", "kind: [");
  await it.write("c.yaml", policy("c", "cook"));
  await assertRejects(it.load(), (error: unknown) => {
    assert(error instanceof ParleyError);
    assertEquals(error.fault.blame, "operator");
    assertMatch(error.message, /a\.yaml:7:5: /);
    assertMatch(error.message, /b\.yaml:1:/);
    assert(!error.message.includes("c.yaml"));
    return true;
  });
});

test("warnings do not keep a sidecar from starting, and are said once", async (it) => {
  await it.write(
    "a.yaml",
    policy("a", "pilot") + `    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2 }
`,
  );
  await it.load();
  await it.reload();
  assertEquals(it.warnings.length, 1);
  assertMatch(it.warnings[0]!, /warning: no l7 list/);
});

test("a parser that comes later makes its documents whole", async (it) => {
  await it.write("a.yaml", policy("a", "pilot"));
  await it.load();
  it.parsers = [];
  await it.write(
    "a.yaml",
    policy("a", "cook") + `    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2, l7: [ {} ] }
`,
  );
  assertEquals(await it.reload(), false);
  assertEquals(it.admitted, ["pilot"]);
  it.parsers = ["r2d2"];
  assertEquals(await it.reload(), true);
  assertEquals(it.admitted, ["cook"]);
});
