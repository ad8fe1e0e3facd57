/** npm's memcached: the text protocol. */
import { memcachedServer, testWith } from "../setup/mod.ts";
import {
  checkAllowed,
  checkDenied,
  type Operation,
  runDeno,
} from "./clients.ts";

const memcached = await memcachedServer();
const LARGE = 900_000;

function run(port: number, operations: readonly Operation[]) {
  return runDeno("npm_memcached_operations.ts", port, operations);
}

const OPERATIONS: readonly Operation[] = [
  ["version"],
  ["get", ["app/none"]],
  ["set", ["app/a", "one", 0]],
  ["get", ["app/a"]],
  ["gets", ["app/a"]],
  ["cas", ["app/a", "two", "1", 0]],
  ["cas", ["app/a", "three", "1", 0]],
  ["add", ["app/a", "no", 0]],
  ["add", ["app/b", "yes", 0]],
  ["replace", ["app/b", "again", 0]],
  ["replace", ["app/none", "no", 0]],
  ["append", ["app/b", ">"]],
  ["prepend", ["app/b", "<"]],
  ["get", ["app/b"]],
  ["set", ["app/n", 41, 0]],
  ["incr", ["app/n", 1]],
  ["decr", ["app/n", 100]],
  ["incr", ["app/none", 1]],
  ["touch", ["app/n", 1000]],
  ["touch", ["app/none", 1000]],
  ["getMulti", [["app/a", "app/none", "app/b"]]],
  ["set", ["app/json", { nested: ["\r\nEND\r\n"] }, 0]],
  ["get", ["app/json"]],
  ["set", ["app/text", "ünïcode\r\nEND\r\n", 0]],
  ["get", ["app/text"]],
  ["set", ["app/large", "x".repeat(LARGE), 0]],
  ["get", ["app/large"]],
  ["del", ["app/a"]],
  ["del", ["app/a"]],
  ["stats"],
  ["settings"],
  ["flush"],
  ["get", ["app/b"]],
];

testWith(
  { memcached },
  "npm memcached: what is allowed is as on a direct connection",
  ({ memcached }) => checkAllowed(memcached, run, OPERATIONS),
);

testWith(
  { memcached },
  "npm memcached: what is denied reaches the callback as an error, and its connection goes on",
  ({ memcached }) =>
    checkDenied(memcached, run, {
      probe: ["get", ["app/public/a"]],
      error: /"error":"[^"]*access denied/,
      operations: [
        ["set", ["app/public/a", "other", 0]],
        ["add", ["app/public/b", "other", 0]],
        ["append", ["app/public/a", "other"]],
        ["get", ["app/private"]],
        ["getMulti", [["app/public/a", "app/private"]]],
        ["incr", ["app/public/a", 1]],
        ["del", ["app/public/a"]],
        ["touch", ["app/public/a", 100]],
      ],
    }),
);
