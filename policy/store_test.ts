import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore, type L7Catalog, type Subject } from "./mod.ts";
import { catalog, judge, pod, subject } from "./testing.ts";

const SUBJECT = subject({ app: "service" });
const PEER = pod({ app: "a" });

/** A policy for port 80 of app=service. */
function policy(
  name: string,
  rules = "{l7proto: r2d2, l7: [{cmd: READ}]}",
  selector = "{app: service}",
): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${name}}
spec:
  endpointSelector: {matchLabels: ${selector}}
  ingress:
  - toPorts: [{ports: [{port: "80", protocol: TCP}], rules: ${rules}}]
`;
}

const WRITES = "{l7proto: r2d2, l7: [{cmd: WRITE}]}";
const MEMCACHE = "{l7proto: memcache, l7: [{command: get}]}";
const WRONG = "{l7proto: redis, l7: [{}]}";

/** A store with a short way to update it from texts by file name. */
function open(subjects: readonly Subject[] = [SUBJECT]) {
  const store = createPolicyStore(catalog, subjects);
  return {
    store,
    update(files: Record<string, string>, parsers?: L7Catalog) {
      const sources = Object.entries(files).map(([file, text]) => ({
        file,
        text,
      }));
      const { documents, problems } = store.update(sources, parsers);
      return {
        statuses: documents.map(({ id, status }) => `${id} ${status}`),
        codes: problems.map(({ code }) => code),
        allowed: judge(store, PEER, 80, SUBJECT),
        version: store.current.version,
        refused: store.refused,
      };
    },
  };
}

const READS_ALLOWED = '[{"cmd":"READ"}]';
const WRITES_ALLOWED = '[{"cmd":"WRITE"}]';

Deno.test("a store without documents allows everything", () => {
  const { store, update } = open();
  assertEquals(store.current.version, 0);
  assertEquals(update({}), {
    statuses: [],
    codes: [],
    allowed: "all",
    version: 0,
    refused: false,
  });
});

Deno.test("update() applies, replaces and removes documents", () => {
  const { update } = open();
  assertEquals(update({ "a.yaml": policy("a") }), {
    statuses: ["default/a applied"],
    codes: [],
    allowed: READS_ALLOWED,
    version: 1,
    refused: false,
  });
  assertEquals(
    update({ "a.yaml": policy("a", WRITES) }).allowed,
    WRITES_ALLOWED,
  );
  assertEquals(update({}), {
    statuses: [],
    codes: [],
    allowed: "all",
    version: 3,
    refused: false,
  });
});

Deno.test("update() swaps only when something changed, and keeps what did not", () => {
  const { store, update } = open();
  update({ "a.yaml": policy("a") });
  const before = store.current;
  update({ "a.yaml": `# a comment\n${policy("a")}` });
  assertEquals(store.current === before, true);
  const setOf = () => {
    const access = store.current.resolve({
      subject: SUBJECT,
      direction: "ingress",
      port: 80,
      peer: PEER,
    });
    return access.verdict === "allowed" ? access.sets[0] : undefined;
  };
  const set = setOf();
  update({ "a.yaml": policy("a"), "b.yaml": policy("b", WRITES) });
  assertEquals(store.current.version, 2);
  assertEquals(set !== undefined && setOf() === set, true);
});

Deno.test("a policy that was handed out never changes", () => {
  const { store, update } = open();
  update({ "a.yaml": policy("a") });
  const before = store.current;
  update({ "a.yaml": policy("a", WRITES) });
  assertEquals(
    judge({ ...store, current: before }, PEER, 80, SUBJECT),
    READS_ALLOWED,
  );
});

Deno.test("a wrong document is refused alone; without a good version the store says so", () => {
  const { update } = open();
  assertEquals(
    update({ "a.yaml": policy("a", WRONG), "b.yaml": policy("b") }),
    {
      statuses: ["default/a refused", "default/b applied"],
      codes: ["l7.unknown-proto"],
      allowed: READS_ALLOWED,
      version: 1,
      refused: true,
    },
  );
});

Deno.test("a document that becomes wrong keeps its last good version", () => {
  const { update } = open();
  update({ "a.yaml": policy("a") });
  assertEquals(
    update({ "a.yaml": policy("a", WRONG), "b.yaml": policy("b", WRITES) }),
    {
      statuses: ["default/a kept-last-good", "default/b applied"],
      codes: ["l7.unknown-proto"],
      allowed: `${READS_ALLOWED} or ${WRITES_ALLOWED}`,
      version: 2,
      refused: false,
    },
  );
});

Deno.test("a file with a syntax error keeps all its last good documents, changed ones too", () => {
  const { update } = open();
  update({ "a.yaml": `${policy("a")}---\n${policy("b")}` });
  const broken = `${policy("a", WRITES)}---\n${policy("b")}  broken: [\n`;
  assertEquals(update({ "a.yaml": broken }), {
    statuses: ["default/a kept-last-good", "default/b kept-last-good"],
    codes: ["yaml.syntax"],
    allowed: `${READS_ALLOWED} or ${READS_ALLOWED}`,
    version: 1,
    refused: false,
  });
});

Deno.test("a file that is emptied keeps all it held, until it is deleted or says that it is empty", () => {
  for (const text of ["", "# nothing\n", "---\n"]) {
    const { update } = open();
    update({ "a.yaml": policy("a") });
    assertEquals(update({ "a.yaml": text }), {
      statuses: ["default/a kept-last-good"],
      codes: ["doc.none"],
      allowed: READS_ALLOWED,
      version: 1,
      refused: false,
    });
    assertEquals(update({ "a.yaml": "[]" }).allowed, "all");
    update({ "a.yaml": policy("a") });
    assertEquals(update({ "b.yaml": policy("a") }).allowed, READS_ALLOWED);
    assertEquals(update({ "b.yaml": text, "c.yaml": policy("a") }).codes, [
      "doc.none",
    ]);
    assertEquals(update({}).allowed, "all");
  }
});

Deno.test("a file that begins with a syntax error is refused", () => {
  const { update } = open();
  assertEquals(update({ "a.yaml": "a: [" }), {
    statuses: [],
    codes: ["yaml.syntax"],
    allowed: "all",
    version: 0,
    refused: true,
  });
});

Deno.test("a document that loses its name keeps its last good version", () => {
  const { update } = open();
  update({ "a.yaml": policy("a") });
  const nameless = policy("a", WRITES).replace("{name: a}", "{}");
  assertEquals(update({ "a.yaml": nameless }), {
    statuses: ["default/a kept-last-good"],
    codes: ["doc.name"],
    allowed: READS_ALLOWED,
    version: 1,
    refused: false,
  });
});

Deno.test("a nameless document beside those in force is refused", () => {
  const { update } = open();
  update({ "a.yaml": policy("a") });
  const nameless = policy("b").replace("{name: b}", "{}");
  assertEquals(
    update({ "a.yaml": `${policy("a")}---\n${nameless}` }).refused,
    true,
  );
});

Deno.test("a document keeps its last good version when it moves to another file", () => {
  const { update } = open();
  update({ "a.yaml": policy("a") });
  assertEquals(update({ "b.yaml": policy("a", WRONG) }).statuses, [
    "default/a kept-last-good",
  ]);
});

Deno.test("two documents of one name: the second is refused, the first applies", () => {
  const { update } = open();
  assertEquals(
    update({ "a.yaml": policy("a"), "b.yaml": policy("a", WRITES) }),
    {
      statuses: ["default/a applied", "default/a refused"],
      codes: ["doc.twice"],
      allowed: READS_ALLOWED,
      version: 1,
      refused: true,
    },
  );
});

Deno.test("one name in two namespaces, or of two kinds, is no conflict", () => {
  const { update } = open();
  const other = policy("a").replace("name: a", "name: a, namespace: prod");
  const clusterwide = policy("a").replace(
    "CiliumNetwork",
    "CiliumClusterwideNetwork",
  );
  assertEquals(
    update({ "a.yaml": [policy("a"), other, clusterwide].join("---\n") })
      .statuses,
    [
      "default/a applied",
      "prod/a applied",
      "a applied",
    ],
  );
});

Deno.test("of two documents with two parsers for a port, the later is refused", () => {
  const { store, update } = open();
  assertEquals(
    update({ "a.yaml": policy("a"), "b.yaml": policy("b", MEMCACHE) }),
    {
      statuses: ["default/a applied", "default/b refused"],
      codes: ["merge.l7-type"],
      allowed: READS_ALLOWED,
      version: 1,
      refused: true,
    },
  );
  const [problem] = store.update([
    { file: "a.yaml", text: policy("a") },
    { file: "b.yaml", text: policy("b", MEMCACHE) },
  ]).problems;
  assertEquals(
    problem?.message,
    'port 80 is "r2d2" by default/a#spec.ingress[0].toPorts[0] and "memcache" by default/b#spec.ingress[0].toPorts[0]',
  );
  assertEquals([problem?.file, problem?.line], ["b.yaml", 7]);
});

Deno.test("a newcomer does not displace what is in force, though its file comes first", () => {
  const { update } = open();
  update({ "b.yaml": policy("b") });
  assertEquals(
    update({ "a.yaml": policy("a", MEMCACHE), "b.yaml": policy("b") }).statuses,
    [
      "default/a refused",
      "default/b applied",
    ],
  );
});

Deno.test("a document that changes into a conflict keeps its last good version", () => {
  const { update } = open();
  const b = { "b.yaml": policy("b") };
  update({ "a.yaml": policy("a"), ...b });
  assertEquals(update({ "a.yaml": policy("a", MEMCACHE), ...b }).statuses, [
    "default/a kept-last-good",
    "default/b applied",
  ]);
});

Deno.test("documents that change together to another parser are applied together", () => {
  const { update } = open();
  update({ "a.yaml": policy("a"), "b.yaml": policy("b") });
  assertEquals(
    update({ "a.yaml": policy("a", MEMCACHE), "b.yaml": policy("b", MEMCACHE) })
      .statuses,
    [
      "default/a applied",
      "default/b applied",
    ],
  );
});

const CONFLICTS = [
  {
    name: "selectors that share a workload known to be guarded",
    subjects: [subject({ app: "service", x: "1" })],
    selector: "{x: '1'}",
    want: true,
  },
  {
    name: "selectors that share no workload known to be guarded",
    subjects: [SUBJECT],
    selector: "{x: '1'}",
    want: false,
  },
  {
    name: "different selectors when no workload is known",
    subjects: [],
    selector: "{x: '1'}",
    want: false,
  },
  {
    name: "equal selectors when no workload is known",
    subjects: [],
    selector: "{app: service}",
    want: true,
  },
];

for (const { name, subjects, selector, want } of CONFLICTS) {
  Deno.test(`two parsers for a port ${want ? "are" : "are not"} a conflict of ${name}`, () => {
    const { update } = open(subjects);
    const { codes } = update({
      "a.yaml": policy("a"),
      "b.yaml": policy("b", MEMCACHE, selector),
    });
    assertEquals(codes, want ? ["merge.l7-type"] : []);
  });
}

Deno.test("two parsers for the same port of UDP and TCP, or on two ports, are no conflict", () => {
  const { update } = open();
  const other = policy("b", MEMCACHE).replace('"80"', '"81"');
  assertEquals(update({ "a.yaml": policy("a"), "b.yaml": other }).codes, []);
});

Deno.test("update() judges documents anew when the parsers change", () => {
  const { update } = open();
  const files = { "a.yaml": policy("a", WRONG) };
  assertEquals(update(files).statuses, ["default/a refused"]);
  const more: L7Catalog = {
    ...catalog,
    has: () => true,
    check: () => ({ errors: [], warnings: [] }),
  };
  assertEquals(update(files, more).statuses, ["default/a applied"]);
  assertEquals(update(files, catalog).statuses, ["default/a kept-last-good"]);
});

Deno.test("rule lists are told apart by their file, and in one file by number", () => {
  const { update } = open();
  const list = "- {endpointSelector: {}, ingress: [{}]}\n";
  const files = { "p/fleet.yaml": `${list}---\n${list}`, "q/fleet.yaml": list };
  assertEquals(update(files).statuses, [
    "fleet applied",
    "fleet-2 applied",
    "fleet applied",
  ]);
});

Deno.test("a Kubernetes list is as good as its items", () => {
  const { store, update } = open();
  const item = policy("a").replaceAll("\n", "\n    ");
  assertEquals(
    update({ "a.yaml": `kind: List\nitems:\n  - ${item}` }).statuses,
    ["default/a applied"],
  );
  const access = store.current.resolve({
    subject: SUBJECT,
    direction: "ingress",
    port: 80,
    peer: PEER,
  });
  assertEquals(
    access.verdict === "allowed" && access.sets[0]?.ref,
    "default/a#spec.ingress[0].toPorts[0]",
  );
});

Deno.test("JSON is read as YAML is", () => {
  const { update } = open();
  const text = JSON.stringify([{ endpointSelector: {}, ingress: [{}] }]);
  assertEquals(update({ "a.json": text }).allowed, "denied");
});
