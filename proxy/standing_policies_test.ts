/** Settings about policy as a whole, by the compiled policy and by the reference. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Direction } from "../policy/mod.ts";
import { createPolicyStore, endpointLabels } from "../policy/mod.ts";
import { outcome } from "../policy/reference.ts";
import { catalog } from "../policy/testing.ts";
import { defaultConfig } from "./config/mod.ts";
import { readPolicies, standingPolicies } from "./standing_policies.ts";

const SUBJECT = { labels: endpointLabels({ app: "a" }, "default") };
const PEERS = {
  host: endpointLabels({ "reserved:host": "" }, "default"),
  pod: endpointLabels({ app: "b" }, "default"),
  world: ["reserved:world"],
};
type Who = keyof typeof PEERS;

/** What a document of the operator's says. */
const WRITTEN = {
  nothing: [],
  "ingress for pods": [{
    ingress: [{ fromEndpoints: [{}] }],
  }],
  "a deny of everybody": [{ ingressDeny: [{ fromEntities: ["all"] }] }],
} as const;

const CASES: readonly {
  readonly written: keyof typeof WRITTEN;
  readonly enforcement?: "default" | "always";
  readonly allowLocalhost?: boolean;
  /** Who gets through. */
  readonly ingress: readonly Who[];
  readonly egress: readonly Who[];
}[] = [
  {
    written: "nothing",
    ingress: ["host", "pod", "world"],
    egress: ["host", "pod", "world"],
  },
  { written: "nothing", enforcement: "always", ingress: [], egress: [] },
  {
    written: "nothing",
    allowLocalhost: true,
    ingress: ["host", "pod", "world"],
    egress: ["host", "pod", "world"],
  },
  {
    written: "nothing",
    enforcement: "always",
    allowLocalhost: true,
    ingress: ["host"],
    egress: [],
  },
  {
    written: "ingress for pods",
    ingress: ["pod"],
    egress: ["host", "pod", "world"],
  },
  {
    written: "ingress for pods",
    enforcement: "always",
    ingress: ["pod"],
    egress: [],
  },
  {
    written: "ingress for pods",
    allowLocalhost: true,
    ingress: ["host", "pod"],
    egress: ["host", "pod", "world"],
  },
  {
    written: "a deny of everybody",
    allowLocalhost: true,
    ingress: [],
    egress: ["host", "pod", "world"],
  },
];

for (const { written, ingress, egress, ...settings } of CASES) {
  const { enforcement = "default", allowLocalhost = false } = settings;
  const name = `${written}, enforcement ${enforcement}${
    allowLocalhost ? ", the host allowed" : ""
  }`;
  Deno.test(`of ${name} comes what the reference says`, () => {
    const documents = WRITTEN[written].map((rule, index) => {
      const text = JSON.stringify({
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { name: `written-${index}`, namespace: "default" },
        spec: { endpointSelector: { matchLabels: { app: "a" } }, ...rule },
      });
      return { file: `${index}.json`, text };
    });
    const standing = standingPolicies({ enforcement, allowLocalhost });
    const sources = [...documents, ...standing];
    const store = createPolicyStore(catalog, [SUBJECT]);
    const { problems } = store.update(sources);
    const ofSettings = problems.filter(({ file, severity }) => {
      return file.startsWith("parley.yaml") && severity !== "note";
    });
    assertEquals(ofSettings, [], "an operator cannot mend these");
    const got = (direction: Direction) =>
      (Object.keys(PEERS) as Who[]).filter((who) => {
        const peer = { address: "192.0.2.1", labels: PEERS[who] };
        const query = { subject: SUBJECT, direction, port: 80, peer };
        const { verdict } = store.current.resolve(query);
        const reference = outcome(
          sources.map(({ text }) => JSON.parse(text)),
          { ...query, protocol: "TCP", request: {} },
        );
        assertEquals(verdict, reference);
        return verdict === "allowed";
      });
    assertEquals([got("ingress"), got("egress")], [ingress, egress]);
  });
}

Deno.test("enforcement never reads no policy", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.yaml`, "[]");
    const config = { ...defaultConfig(), policies: [folder] };
    const files = async (enforcement: "default" | "always" | "never") =>
      (await readPolicies({ ...config, enforcement })).length;
    assertEquals(
      [await files("default"), await files("always"), await files("never")],
      [1, 2, 0],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
