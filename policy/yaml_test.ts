import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseYaml } from "./yaml.ts";

function read(text: string) {
  const { documents, syntax } = parseYaml("f.yaml", text);
  const problems = [
    ...syntax,
    ...documents.flatMap(({ problems }) => problems),
  ];
  return {
    values: documents.map(({ value }) => value),
    problems: problems.map(({ code, line, column, path }) => {
      return `${code} ${line}:${column} ${path}`.trimEnd();
    }),
  };
}

const CASES = [
  {
    name: "reads several documents, and passes over empty ones",
    text: "---\n---\na: 1\n---\n# only this\n---\nb: null\n",
    values: [{ a: 1 }, { b: null }],
    problems: [],
  },
  {
    name: "finds no document in an empty text",
    text: "",
    values: [],
    problems: [],
  },
  {
    name: "reads JSON",
    text: '{"a": ["b", {"c": null}]}',
    values: [{ a: ["b", { c: null }] }],
    problems: [],
  },
  {
    name: "keeps 0120 a decimal, and yes, dates and 1_000 text",
    text: "[0120, yes, 2001-01-01, 1_000]",
    values: [[120, "yes", "2001-01-01", "1_000"]],
    problems: [],
  },
  {
    name: "reads a number as a key as text",
    text: "80: x",
    values: [{ "80": "x" }],
    problems: [],
  },
  {
    name: "expands aliases",
    text: "a: &x {b: 1}\nc: *x",
    values: [{ a: { b: 1 }, c: { b: 1 } }],
    problems: [],
  },
  {
    name: "reports a key that is set twice at its second place",
    text: "a: 1\nb:\n  c: 1\n  c: 2\n",
    values: [{ a: 1, b: { c: 1 } }],
    problems: ["yaml.key-twice 4:3 b.c"],
  },
  {
    name: "reports every syntax error of all documents",
    text: 'a: [1\n---\nb: "x\n',
    values: [],
    problems: ["yaml.syntax 2:1", "yaml.syntax 4:1"],
  },
  {
    name: "refuses tags",
    text: "a: !foo 1\nb: !!binary aGk=",
    values: [{ a: "1", b: "aGk=" }],
    problems: ["yaml.tag 1:4", "yaml.tag 2:4"],
  },
  {
    name: "refuses merge keys",
    text: "a: &x {b: 1}\nc:\n  <<: *x\n",
    values: [{ a: { b: 1 }, c: {} }],
    problems: ["yaml.merge 3:3 c"],
  },
  {
    name: "refuses a key that an object cannot hold",
    text: "__proto__: 1",
    values: [{}],
    problems: ["yaml.key 1:1"],
  },
  {
    name: "refuses a list as a key",
    text: "? [a]\n: 1",
    values: [{}],
    problems: ["yaml.key 1:3"],
  },
  {
    name: "refuses nothing as a key",
    text: "~: 1",
    values: [{}],
    problems: ["yaml.key 1:1"],
  },
  {
    name: "refuses an alias without an anchor",
    text: "a: *x",
    values: [{ a: null }],
    problems: ["yaml.alias 1:4 a"],
  },
  {
    name: "refuses an alias inside its own anchor",
    text: "&x [*x]",
    values: [[null]],
    problems: ["yaml.alias 1:5 [0]"],
  },
];

for (const { name, text, values, problems } of CASES) {
  Deno.test(`parseYaml() ${name}`, () => {
    assertEquals(read(text), { values, problems });
  });
}

Deno.test("parseYaml() bounds what aliases expand to", () => {
  const layer = (n: number) =>
    `- &l${n} [${Array(10).fill(`*l${n - 1}`).join()}]`;
  const bomb = [
    "- &l0 [0]",
    ...Array.from({ length: 12 }, (_, n) => layer(n + 1)),
  ];
  const { problems } = read(bomb.join("\n"));
  assertEquals(problems.length, 1);
  assertEquals(problems[0]!.startsWith("yaml.alias "), true);
});

Deno.test("parseYaml() refuses 70 levels by their path", () => {
  const { problems } = read("[".repeat(70) + "]".repeat(70));
  assertEquals(problems.length, 1);
  assertEquals(problems[0]!.startsWith("yaml.depth 1:66 [0][0]"), true);
});

for (const opening of ["[", "{a: ", "- ", "? ", "a: ", "- [", "[? "]) {
  Deno.test(`parseYaml() refuses a text of nothing but ${opening}before it is parsed`, () => {
    const text = `a: b\n---\n${opening.repeat(1024 * 1024 / opening.length)}`;
    const { documents, syntax } = parseYaml("f.yaml", text);
    assertEquals(documents, []);
    assertEquals(syntax.map(({ code, line }) => [code, line]), [
      ["yaml.depth", 3],
    ]);
    assertEquals(syntax[0]!.column > 64 && syntax[0]!.column < 1000, true);
    assertEquals(syntax[0]!.mend, "nest at most 64 levels");
  });
}

Deno.test("parseYaml() refuses block collections that are nested by lines", () => {
  const text = Array.from({ length: 1000 }, (_, i) => `${" ".repeat(i)}a:`)
    .join("\n");
  assertEquals(read(text).problems, ["yaml.depth 128:128"]);
});

Deno.test("YamlDocument finds keys, values, and the parent of what is missing", () => {
  const { documents: [document] } = parseYaml("f.yaml", "a:\n  b: [x, y]\n");
  const at = (path: (string | number)[]) => {
    const key = document!.keyAt(path);
    const value = document!.valueAt(path);
    return [key.line, key.column, value.line, value.column];
  };
  assertEquals(at([]), [1, 1, 1, 1]);
  assertEquals(at(["a", "b"]), [2, 3, 2, 6]);
  assertEquals(at(["a", "b", 1]), [2, 10, 2, 10]);
  assertEquals(at(["a", "missing", "deeper"]), [2, 3, 2, 3]);
});
