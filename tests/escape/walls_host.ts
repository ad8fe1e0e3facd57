/**
 * A program with all permissions and no wall but the one that its argument
 * names. It says how attempts end that this wall is to stop, and that work goes
 * on that it must not.
 */
import * as proxylib from "parley/proxylib";
import { shutGate } from "../../proxy/sandbox/gate.ts";
import { lockdown } from "../../proxy/sandbox/lockdown.ts";
import { zodSamples } from "../../proxy/sandbox/samples.ts";

const { stdout, exit, args: [wall, folder] } = Deno;
const encoder = new TextEncoder();
const { z } = proxylib;

type Attempts = Readonly<Record<string, () => unknown>>;

async function report(attempts: Attempts): Promise<void> {
  for (const [attempt, make] of Object.entries(attempts)) {
    let end: string;
    try {
      end = `done ${await make()}`;
    } catch (error) {
      end = String(error);
    }
    stdout.writeSync(encoder.encode(`${JSON.stringify([attempt, end])}\n`));
  }
}

/** The value of a module's default export. */
async function load(file: string): Promise<unknown> {
  return (await import(`${folder}${file}`)).default;
}

const WALLS: Readonly<Record<string, () => Attempts>> = {
  gate() {
    shutGate([folder!]);
    return {
      "a parser": () => load("one/fine.js"),
      "a parser that imports node: statically": () => load("one/node.js"),
      "a parser that imports node: dynamically": () => load("one/dynamic.js"),
      "a parser that imports another's module": () => load("one/other.js"),
      "the engine's own import": () => import("node:vm"),
      "data": () => import("data:text/javascript,export default 1"),
    };
  },
  lockdown() {
    lockdown({ engine: [proxylib], samples: zodSamples(z) });
    return {
      "Deno": () => Deno.pid,
      "fetch": () => fetch("data:,1"),
      "patching": () => Map.prototype.get = () => undefined,
      "compiling": () => Function("return 1")(),
      "import of node:": async () =>
        Object.keys(await import("node:path")).length > 0,
      "schemas of every kind": () => zodSamples(z).length > 50,
      "parsing by schemas": () =>
        z.strictObject({ a: z.string().min(2), b: z.enum(["x"]).optional() })
          .safeParse({ a: "aa" }).success,
      "regular expressions of rules": () => proxylib.regex("^a+$").test("aaa"),
      "errors of an author's own": () => {
        class Refusal extends Error {
          constructor() {
            super("x");
            this.name = "Refusal";
            this.message = "y";
          }
        }
        const error = new Refusal();
        return `${error} ${error.stack!.split("\n").length > 1}`;
      },
      "objects with names of the language's": () => {
        const words: Record<string, unknown> = {};
        for (const key of ["toString", "constructor", "valueOf"]) {
          words[key] = 1;
        }
        const fields = { ...words, hasOwnProperty: 2 };
        return JSON.stringify(fields);
      },
      "classes of before": () => {
        function Old(this: object) {}
        Old.prototype.toString = () => "old";
        Old.prototype.constructor = Old;
        return String(Reflect.construct(Old, []));
      },
      "dates with arguments": () => new Date(0).toISOString(),
      "clones": () => structuredClone({ a: [1] }).a[0],
    };
  },
};

await report(WALLS[wall!]!());
exit(0);
