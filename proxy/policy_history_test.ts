/** What the status says of policy documents while their files change. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore } from "../policy/mod.ts";
import { catalog } from "../policy/testing.ts";
import { judgedDocuments, PolicyHistory } from "./policy_history.ts";

const GOOD = (name: string, app: string) =>
  `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${name}}
spec:
  endpointSelector: {matchLabels: {app: ${app}}}
  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: "80", protocol: UDP}]}]}]
`;
const WRONG = GOOD("a", "a").replace("fromEndpoints", "fromEndpoint");

/** Readings, one after the other: the files, and what is said then. */
const READINGS: readonly {
  readonly now: string;
  readonly files: Readonly<Record<string, string>>;
  readonly version: string;
  /** `ID STATUS SINCE PROBLEMS PARTLY`. */
  readonly want: readonly string[];
  readonly problems: number;
}[] = [
  {
    now: "t1",
    files: { "a.yaml": GOOD("a", "a"), "b.yaml": GOOD("b", "b") },
    version: "1 t1",
    want: ["default/a applied t1 0 1", "default/b applied t1 0 1"],
    problems: 0,
  },
  {
    now: "t2",
    files: { "a.yaml": WRONG, "b.yaml": GOOD("b", "b") },
    version: "1 t1",
    want: ["default/a kept-last-good t2 1 1", "default/b applied t1 0 1"],
    problems: 1,
  },
  {
    now: "t3",
    files: { "a.yaml": "a: [", "b.yaml": GOOD("b", "c"), "c.yaml": "]" },
    version: "2 t3",
    want: ["default/b applied t3 0 1", "default/a kept-last-good t2 1 0"],
    problems: 2,
  },
  {
    now: "t4",
    files: {
      "b.yaml": GOOD("b", "c"),
      "d.yaml": WRONG.replace("name: a", "name: d"),
    },
    version: "3 t4",
    want: ["default/b applied t3 0 1", "default/d refused t4 1 1"],
    problems: 1,
  },
];

Deno.test("PolicyHistory says of each document what became of it, since when and why", () => {
  const store = createPolicyStore(catalog);
  const history = new PolicyHistory();
  for (const { now, files, version, want, problems } of READINGS) {
    const read = store.update(
      Object.entries(files).map(([file, text]) => ({ file, text })),
    );
    const isOther = history.follow({
      documents: store.inForce,
      judged: judgedDocuments(read),
      problems: read.problems,
    }, now);
    const { state } = history;
    assertEquals(isOther, state.since === now);
    assertEquals(`${state.version} ${state.since}`, version);
    assertEquals(
      state.documents.map(({ id, status, since, problems, partly }) => {
        return `${id} ${status} ${since} ${problems.length} ${partly.length}`;
      }),
      want,
    );
    assertEquals(state.problems.length, problems, state.problems.join("\n"));
  }
});

Deno.test("PolicyHistory keeps what is in force when no file can be read", () => {
  const store = createPolicyStore(catalog);
  const read = store.update([{ file: "a.yaml", text: GOOD("a", "a") }]);
  const good = {
    documents: store.inForce,
    judged: judgedDocuments(read),
    problems: [],
  };
  const history = new PolicyHistory();
  history.follow(good, "t1");
  history.unreadable("gone");
  const { judged: _, ...unread } = good;
  assertEquals(history.follow(unread, "t2"), false);
  const { version, since, documents, error } = history.state;
  assertEquals([version, since, documents[0]?.since, error], [
    1,
    "t1",
    "t1",
    "gone",
  ]);
  history.follow(good, "t3");
  assertEquals(history.state.error, undefined);
});
