/** npm's memjs: the binary protocol. */
import { memcachedServer, testWith } from "../setup/mod.ts";
import {
  checkAllowed,
  checkDenied,
  type Operation,
  type Result,
  runDeno,
} from "./clients.ts";

const memcached = await memcachedServer();
const LARGE = "x".repeat(900_000);

const OPERATIONS: readonly Operation[] = [
  ["get", ["app/none"]],
  ["set", ["app/a", "one", {}]],
  ["get", ["app/a"]],
  ["add", ["app/a", "no", {}]],
  ["add", ["app/b", "yes", { expires: 1000 }]],
  ["replace", ["app/b", "again", {}]],
  ["replace", ["app/none", "no", {}]],
  ["append", ["app/b", ">"]],
  ["prepend", ["app/b", "<"]],
  ["append", ["app/none", ">"]],
  ["get", ["app/b"]],
  ["increment", ["app/n", 1, { initial: 41 }]],
  ["increment", ["app/n", 1, {}]],
  ["decrement", ["app/n", 100, {}]],
  ["increment", ["app/b", 1, {}]],
  ["touch", ["app/n", 1000]],
  ["touch", ["app/none", 1000]],
  ["set", ["app/traps", "\x80\x08\r\nEND\r\nflush_all\r\n\0", {}]],
  ["get", ["app/traps"]],
  ["set", ["app/empty", "", {}]],
  ["get", ["app/empty"]],
  ["set", ["app/large", LARGE, {}]],
  ["get", ["app/large"]],
  ["set", ["app/too-large", LARGE + LARGE, {}]],
  ["delete", ["app/a"]],
  ["delete", ["app/a"]],
  ["stats"],
  ["statsWithKey", ["settings"]],
  ["statsWithKey", ["nonsense"]],
  ["flush"],
  ["get", ["app/b"]],
];

testWith(
  { memcached },
  "memjs: what is allowed is as on a direct connection",
  ({ memcached }) => checkAllowed(memcached, run, OPERATIONS),
);

testWith(
  { memcached },
  "memjs: what is denied reaches the callback as an error, and its connection goes on",
  ({ memcached }) =>
    checkDenied(memcached, run, {
      probe: ["get", ["app/public/a"]],
      error: /"error":"Error: MemJS [A-Z]+: Authentication error"/, // its words for status 8
      operations: [
        ["get", ["app/private"]],
        ["set", ["app/public/a", "other", {}]],
        ["set", ["app/public/a", LARGE, {}]],
        ["add", ["app/public/b", "other", {}]],
        ["replace", ["app/public/a", "other", {}]],
        ["append", ["app/public/a", "other"]],
        ["prepend", ["app/public/a", "other"]],
        ["increment", ["app/public/a", 1, {}]],
        ["decrement", ["app/public/a", 1, {}]],
        ["touch", ["app/public/a", 100]],
        ["delete", ["app/public/a"]],
      ],
    }),
);

async function run(
  port: number,
  operations: readonly Operation[],
): Promise<Result[]> {
  const results = await runDeno("memjs_operations.ts", port, operations);
  return results.map((result, i) => lasting(operations[i]![0], result));
}

/** Statistics are of the moment; which there are is not. The server's address is not of the client's making. */
function lasting(method: string, result: Result): Result {
  const { value } = result;
  if (!Array.isArray(value)) return result;
  if (method === "flush") return { value: value.map(Object.values) };
  if (!method.startsWith("stats")) return result;
  const [server, statistics] = value;
  return { value: [server, Object.keys(statistics ?? {}).sort()] };
}
