/** What a changed policy does to the connections that are open. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  Bench,
  DENIED,
  l7,
  NOBODY,
  PLAIN,
  policy,
  RULE,
} from "./session_bench_test.ts";

Deno.test("a changed policy judges the next request anew, on the same connection", () => {
  const it = new Bench({ yaml: l7("r2d2", "[ { cmd: READ } ]") });
  it.session.admit();
  it.feed(">READ a\r\n");
  it.policy(l7("r2d2", "[ { cmd: HALT } ]"));
  it.feed(">READ b\r\n", ">HALT\r\n");
  const rule = `${RULE}.ingress[0].toPorts[0].l7[0]`;
  assertEquals(it.brief, [
    `request forwarded - ${rule}`,
    "request denied no-rule -",
    `request forwarded - ${rule}`,
  ]);
  it.policy(PLAIN);
  it.feed(">READ c\r\n");
  assertEquals(it.brief[3], `request forwarded - ${RULE}.ingress[0]`);
});

Deno.test("a changed policy that denies the peer closes the connection, by its rule", () => {
  const it = new Bench({ yaml: PLAIN });
  it.session.admit();
  it.feed(">a");
  it.policy(DENIED);
  it.feed(">b");
  it.session.closed("refused");
  const why = `denied deny-rule`;
  assertEquals(it.out, [">a", "close refused"]);
  assertEquals(it.brief, [
    `connection ${why} ${RULE}.ingressDeny[0]`,
    `connection ${why} -`,
  ]);
});

Deno.test("the same policy again, or another that allows too, closes nothing", () => {
  const it = new Bench({ yaml: PLAIN });
  it.session.admit();
  it.session.policyChanged();
  it.policy(policy("  ingress: [ { fromEndpoints: [ {} ] } ]\n"));
  it.feed(">a");
  assertEquals([it.out, it.brief], [[">a"], []]);
});

const PARSER_CHANGES: readonly {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly closes: boolean;
}[] = [
  {
    name: "another parser",
    from: l7("r2d2", "[]"),
    to: l7("passer", "[]"),
    closes: true,
  },
  {
    name: "a parser where none was",
    from: PLAIN,
    to: l7("r2d2", "[]"),
    closes: true,
  },
  {
    name: "no parser where one was",
    from: l7("r2d2", "[]"),
    to: PLAIN,
    closes: false,
  },
];

for (const { name, from, to, closes } of PARSER_CHANGES) {
  Deno.test(`a changed policy that wants ${name} ${closes ? "closes" : "keeps"} the connection`, () => {
    const it = new Bench({ yaml: from });
    it.session.admit();
    it.policy(to);
    assertEquals(it.out, closes ? ["close refused"] : []);
    assertEquals(
      it.brief,
      closes ? ["connection denied parser-changed -"] : [],
    );
  });

  Deno.test(`in audit mode a changed policy that wants ${name} closes nothing`, () => {
    const it = new Bench({ yaml: from, mode: "audit" });
    it.session.admit();
    it.policy(to);
    it.feed(">HALT\r\n");
    assertEquals(it.out, [">HALT\r\n"]);
    assertEquals(
      it.brief.filter((line) => line.startsWith("connection")),
      closes ? ["connection audit parser-changed -"] : [],
    );
  });
}

Deno.test("in audit mode a changed policy that denies the peer is logged, and closes nothing", () => {
  const it = new Bench({ yaml: PLAIN, mode: "audit" });
  it.session.admit();
  it.policy(DENIED);
  it.feed(">a");
  assertEquals(it.out, [">a"]);
  assertEquals(it.brief, [
    `connection audit deny-rule ${RULE}.ingressDeny[0]`,
  ]);
});

/** The policy in audit mode, by itself. */
function audited(yaml: string): string {
  return yaml.replace(
    "name: droid",
    "name: droid, annotations: { parley.dev/mode: audit }",
  );
}

const TRACES: readonly {
  readonly name: string;
  readonly yaml: string;
  readonly chunks: readonly string[];
  readonly denials: number;
}[] = [
  {
    name: "requests that no rule covers",
    yaml: l7("r2d2", "[ { cmd: READ } ]"),
    chunks: [">READ a\r\nHALT\r\n", ">WRITE b\r\n", ">READ c\r\nRESET\r\n"],
    denials: 3,
  },
  {
    name: "requests that rules cover",
    yaml: l7("r2d2", "[ {} ]"),
    chunks: [">READ a\r\nHALT\r\n"],
    denials: 0,
  },
  {
    name: "a peer that no rule allows",
    yaml: NOBODY,
    chunks: [">a"],
    denials: 2, // when it opens, and when it ends
  },
  {
    name: "a peer that a rule denies",
    yaml: DENIED,
    chunks: [">a"],
    denials: 2,
  },
];

for (const { name, yaml, chunks, denials } of TRACES) {
  Deno.test(`audit mode, of the sidecar or of a policy, logs as many as it would deny: ${name}`, () => {
    const verdicts = (it: Bench) => {
      if (it.session.admit()) it.feed(...chunks);
      it.session.closed("closed");
      return it.lines.map(({ verdict }) => verdict);
    };
    const enforced = verdicts(new Bench({ yaml }));
    assertEquals(enforced.filter((one) => one === "denied").length, denials);
    for (
      const it of [
        new Bench({ yaml, mode: "audit" }),
        new Bench({ yaml: audited(yaml) }),
      ]
    ) {
      const found = verdicts(it);
      assertEquals(found.filter((one) => one === "audit").length, denials);
      assertEquals(found.includes("denied"), false);
      assertEquals(it.out, chunks, "not every byte passed");
    }
  });
}

Deno.test("a policy in audit mode says which rule lacks an entry", () => {
  const it = new Bench({ yaml: audited(NOBODY) });
  it.session.admit();
  assertEquals(it.brief, [`connection audit no-rule ${RULE}`]);
});

Deno.test("beside a policy in audit mode the others are enforced", () => {
  const other = l7("r2d2", "[ { cmd: READ } ]").replace("droid", "enforced");
  const yaml = `${audited(NOBODY)}---\n${other}`;
  const it = new Bench({ yaml });
  it.session.admit();
  it.feed(">READ a\r\nHALT\r\n");
  assertEquals(it.brief, [
    "request forwarded - default/enforced#spec.ingress[0].toPorts[0].l7[0]",
    "request denied no-rule -",
  ]);
});

Deno.test("a policy that leaves audit mode denies at the next request", () => {
  const yaml = l7("r2d2", "[ { cmd: READ } ]");
  const it = new Bench({ yaml: audited(yaml) });
  assert(it.session.admit());
  it.feed(">HALT\r\n");
  it.policy(yaml);
  it.feed(">HALT\r\n");
  assertEquals(it.lines.map(({ verdict }) => verdict), ["audit", "denied"]);
});
