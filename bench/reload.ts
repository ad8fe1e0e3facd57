/**
 * How long a parser of 20 KB takes from the close of its file until it answers
 * an open connection: watched, staged, checked, published. Nobody else asks
 * anything meanwhile; `tests/soak/reloads_test.ts` tells the same under full load.
 *
 *     deno task bench:reload [COUNT]
 */
import { Parley } from "../tests/processes/parley.ts";
import { LineServer } from "../tests/processes/servers.ts";
import { allowing, PORT, words } from "../tests/processes/words.ts";

const COUNT = Number(Deno.args[0] ?? 30);
const PARSER_BYTES = 20_000;
/** Between two reloads, so that each is one of its own. */
const PAUSE_MS = 1000;

/** Code that does nothing, as much of it as makes the parser so long. */
function ofSize(parser: string): string {
  const lines: string[] = [];
  for (let bytes = parser.length; bytes < PARSER_BYTES;) {
    const line =
      `export function unused${lines.length}(a: number, b: number): number { for (let i = 0; i < a; i++) b += i; return b; }\n`;
    bytes += line.length;
    lines.push(line);
  }
  return parser + lines.join("");
}

await using server = new LineServer();
await using parley = await Parley.start({
  config: {
    listeners: [{ name: "a", upstream: server.address, port: PORT }],
    policies: ["policies/"],
  },
  parsers: { "words.ts": ofSize(words()) },
  policies: { "words.json": allowing("allowed") },
});
using wire = await parley.connect("a");
const took: number[] = [];
for (let edition = 2; edition < COUNT + 2; edition++) {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  await parley.saveParser("words.ts", ofSize(words({ edition })));
  const saved = performance.now();
  while (await wire.ask("other\n", "\n") !== `denied ${edition}\n`) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  took.push(performance.now() - saved);
}
took.sort((a, b) => a - b);
const at = (share: number) => took[Math.floor(share * (took.length - 1))]!;
console.log(
  `in force after ${at(0.5).toFixed(0)} ms (median of ${COUNT}; ${
    at(0).toFixed(0)
  } to ${at(1).toFixed(0)} ms)`,
);
