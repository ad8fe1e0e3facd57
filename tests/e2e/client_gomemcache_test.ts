/** Go's gomemcache: the text protocol. */
import { gomemcache, memcachedServer, testWith } from "../setup/mod.ts";
import {
  checkAllowed,
  checkDenied,
  type Operation,
  runTool,
} from "./clients.ts";

const memcached = await memcachedServer();
const client = await gomemcache();
const LARGE = "x".repeat(900_000);

const OPERATIONS: readonly Operation[] = [
  ["Ping"],
  ["Get", ["app/none"]],
  ["Set", ["app/a", "one"]],
  ["Get", ["app/a"]],
  ["GetAndTouch", ["app/a", 1000]],
  ["GetAndTouch", ["app/none", 1000]],
  ["CompareAndSwap", ["app/a", "two"]],
  ["CompareAndSwap", ["app/a", "three", "set between"]],
  ["Add", ["app/a", "no"]],
  ["Add", ["app/b", "yes"]],
  ["Replace", ["app/b", "again"]],
  ["Replace", ["app/none", "no"]],
  ["Append", ["app/b", ">"]],
  ["Prepend", ["app/b", "<"]],
  ["Append", ["app/none", ">"]],
  ["Get", ["app/b"]],
  ["Set", ["app/n", "41"]],
  ["Increment", ["app/n", 1]],
  ["Decrement", ["app/n", 100]],
  ["Increment", ["app/none", 1]],
  ["Increment", ["app/b", 1]],
  ["Touch", ["app/n", 1000]],
  ["Touch", ["app/none", 1000]],
  ["GetMulti", ["app/a", "app/none", "app/b", "app/n"]],
  ["Set", ["app/traps", "END\r\nVALUE x 0 1\r\nflush_all\r\n"]],
  ["Get", ["app/traps"]],
  ["Set", ["app/empty", ""]],
  ["Get", ["app/empty"]],
  ["Set", ["app/large", LARGE]],
  ["Get", ["app/large"]],
  ["Set", ["app/too-large", LARGE + LARGE]],
  ["Delete", ["app/a"]],
  ["Delete", ["app/a"]],
  ["FlushAll"],
  ["Get", ["app/b"]],
];

testWith(
  { memcached, client },
  "gomemcache: what is allowed is as on a direct connection",
  ({ memcached, client }) =>
    checkAllowed(
      memcached,
      (port, operations) => runTool(client, port, operations),
      OPERATIONS,
    ),
);

testWith(
  { memcached, client },
  "gomemcache: what is denied is an error with the server's words",
  ({ memcached, client }) =>
    checkDenied(
      memcached,
      (port, operations) => runTool(client, port, operations),
      {
        probe: ["Get", ["app/public/a"]],
        error: /"error":"memcache: .*access denied/,
        hangsUp: true, // whatever the error is
        operations: [
          ["Get", ["app/private"]],
          ["GetMulti", ["app/public/a", "app/private"]],
          ["GetAndTouch", ["app/public/a", 1000]],
          ["Set", ["app/public/a", "other"]],
          ["Set", ["app/public/a", LARGE]],
          ["Add", ["app/public/b", "other"]],
          ["Replace", ["app/public/a", "other"]],
          ["Append", ["app/public/a", "other"]],
          ["CompareAndSwap", ["app/public/a", "other"]],
          ["Increment", ["app/public/a", 1]],
          ["Touch", ["app/public/a", 100]],
          ["Delete", ["app/public/a"]],
          ["FlushAll"],
          ["Ping"],
        ],
      },
    ),
);
