/** Which ports policies need redirected. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseLabels } from "../../policy/labels.ts";
import { formatPorts, type PortRange } from "../../proxy/redirect/ports.ts";
import { writePorts } from "../inject/ports.ts";
import { readPolicy } from "./cluster/read_policy.ts";
import { missingPorts, needsOf, portsFor } from "./needs.ts";

const LABELS = parseLabels([
  "k8s:app=cache",
  "k8s:io.kubernetes.pod.namespace=fleet",
]);
const PORTS = [{ name: "cache", port: 11211, protocol: "TCP" }] as const;

function rulesOf(spec: object) {
  return readPolicy({
    kind: "ParleyPolicy",
    namespace: "fleet",
    name: "x",
    uid: "1",
    generation: 1,
    document: {
      spec: { endpointSelector: { matchLabels: { app: "cache" } }, ...spec },
    },
  }, {}).rules;
}

function toPorts(...ports: object[]) {
  return { toPorts: [{ ports }] };
}

const OPEN = { enableDefaultDeny: { ingress: false, egress: false } };
const ALL_BUT_DNS = "1-52,54-15000,15002-15005,15007-15019,15022-65535";

const CASES: readonly {
  readonly name: string;
  readonly spec: object;
  readonly ingress?: string;
  readonly egress?: string;
}[] = [
  {
    name: "a policy that closes a direction needs all of it",
    spec: { ingress: [toPorts({ port: "11211", protocol: "TCP" })] },
    ingress: "all",
  },
  {
    name: "one that closes nothing needs what it names",
    spec: {
      ...OPEN,
      ingress: [
        toPorts({ port: "11211", protocol: "TCP" }, { port: "80" }),
        toPorts({ port: "81", protocol: "TCP" }),
      ],
    },
    ingress: "80-81,11211",
  },
  {
    name: "a deny entry needs its port",
    spec: { ...OPEN, ingressDeny: [toPorts({ port: "22" })] },
    ingress: "22",
  },
  {
    name: "a port by its name is the pod's of that name",
    spec: { ...OPEN, ingress: [toPorts({ port: "cache", protocol: "TCP" })] },
    ingress: "11211",
  },
  {
    name: "a name that the pod does not have is no port of it",
    spec: { ...OPEN, ingress: [toPorts({ port: "web", protocol: "TCP" })] },
  },
  {
    name: "an entry without ports needs all",
    spec: { ...OPEN, ingressDeny: [{ fromEntities: ["world"] }] },
    ingress: "all",
  },
  {
    name: "what is allowed over UDP is not redirected, for it would be dropped",
    spec: {
      ingress: [
        toPorts({ port: "11211", protocol: "TCP" }),
        toPorts({ port: "123", protocol: "UDP" }),
      ],
    },
    ingress: "1-122,124-15000,15002-15005,15007-15019,15022-65535",
  },
  {
    name: "of what goes out DNS is left alone",
    spec: { egress: [toPorts({ port: "9042", protocol: "TCP" })] },
    egress: ALL_BUT_DNS,
  },
  {
    name: "unless its port is named",
    spec: { ...OPEN, egress: [toPorts({ port: "53", protocol: "TCP" })] },
    egress: "53",
  },
  {
    name: "a port that the peer names may be any",
    spec: { ...OPEN, egress: [toPorts({ port: "db", protocol: "TCP" })] },
    egress: ALL_BUT_DNS,
  },
];

for (const { name, spec, ...wanted } of CASES) {
  Deno.test(`needs of ports: ${name}`, () => {
    const found = Object.fromEntries(
      (["ingress", "egress"] as const).flatMap((direction) => {
        const needs = needsOf(rulesOf(spec), LABELS, direction, PORTS);
        const ports = needs && portsFor(needs);
        return ports ? [[direction, writePorts(ports)]] : [];
      }),
    );
    assertEquals(found, wanted);
  });
}

Deno.test("needs of ports: a policy for others needs nothing", () => {
  const rules = rulesOf({ ingress: [{}] });
  assertEquals(
    needsOf(rules, parseLabels(["k8s:app=x"]), "ingress", []),
    undefined,
  );
});

const port = (first: number, last = first): PortRange => ({ first, last });

const MISSING: readonly (readonly [
  name: string,
  redirected: readonly PortRange[],
  isChosen: boolean,
  missing: string,
])[] = [
  ["nothing, where all is redirected", [port(1, 65535)], false, ""],
  ["what is named, where the author chose others", [port(80)], true, "11211"],
  ["nothing, where the author chose what is named", [port(11211)], true, ""],
  [
    "all that is denied too, where the policies chose",
    [port(11211)],
    false,
    "1-11210, 11212-15000, 15002-15005, 15007-15019, 15022-65535",
  ],
];

for (const [name, redirected, isChosen, missing] of MISSING) {
  Deno.test(`missing ports: ${name}`, () => {
    const rules = rulesOf({
      ingress: [toPorts({ port: "11211", protocol: "TCP" })],
    });
    const needs = needsOf(rules, LABELS, "ingress", PORTS);
    assertEquals(
      formatPorts(missingPorts(needs, redirected, isChosen)),
      missing,
    );
  });
}
