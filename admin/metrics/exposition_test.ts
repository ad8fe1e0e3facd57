import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { exposition, readExposition } from "./exposition.ts";

Deno.test("exposition() writes the text format", () => {
  const text = exposition([{
    name: "parley_requests_total",
    type: "counter",
    help: "Requests.\nBy \\ verdict.",
    samples: [
      { labels: { verdict: 'a"b\\c\n' }, value: 3 },
      { labels: {}, value: 1e21 },
    ],
  }, { name: "parley_none", type: "gauge", help: "None.", samples: [] }]);
  assertEquals(
    text,
    "# HELP parley_requests_total Requests.\\nBy \\\\ verdict.\n" +
      "# TYPE parley_requests_total counter\n" +
      'parley_requests_total{verdict="a\\"b\\\\c\\n"} 3\n' +
      "parley_requests_total 1e+21\n" +
      "# HELP parley_none None.\n# TYPE parley_none gauge\n",
  );
});

Deno.test("readExposition() reads what exposition() writes", () => {
  const name = fc.stringMatching(/^[a-z_]{1,20}$/);
  const labels = fc.dictionary(name, fc.string({ unit: "binary" }), {
    maxKeys: 3,
    noNullPrototype: true,
  });
  const value = fc.oneof(
    fc.double({ noNaN: true }),
    fc.constantFrom(Infinity, -Infinity),
  );
  fc.assert(
    fc.property(name, labels, value, (name, labels, value) => {
      const samples = [{ labels, value }];
      const text = exposition([{ name, type: "gauge", help: "", samples }]);
      const [read, ...more] = readExposition(text);
      assertEquals(more, []);
      assertEquals({ ...read, value: read!.value + 0 }, {
        name,
        labels,
        value: value + 0,
      });
    }),
    { seed: 20_261_124 },
  );
});

Deno.test("readExposition() refuses what is no sample", () => {
  for (const line of ["x", "x{ 1", 'x{a="b} 1', "x{a=b} 1"]) {
    assertThrows(() => readExposition(line), SyntaxError);
  }
});
