/** Versions of the protocol that are refused, each in its own words. */
import { type Case, testParser } from "parley/testkit";
import { protocolError } from "./conversation.ts";
import cassandra from "./mod.ts";
import { byte, frame, int, joined, startup, string } from "./testkit.ts";

const VERSIONS: [version: number, request: Uint8Array, answered: number][] = [
  [6, frame(0x01, "", { version: 6, stream: 3 }), 5],
  [66, frame(0x05, "", { version: 66, stream: 3 }), 5],
  [0x16, frame(0x05, "", { version: 0x17, stream: 3 }), 5],
];

testParser("cassandra refuses version", cassandra, [
  ...VERSIONS.map(([version, request, answered]): Case => ({
    name: `${version}, with the newest that is known`,
    rules: null,
    steps: [{ data: request }],
    expect: [{
      out: "",
      back: protocolError(
        `Invalid or unsupported protocol version (${
          request[0]
        }); supported versions are (3/v3, 4/v4, 5/v5)`,
        { version: answered, stream: 3 },
      ),
      closed: true,
      log: [{ reason: "version" }],
    }],
  })),
  {
    name: "2, in its own frame",
    rules: [],
    steps: [{ data: joined(byte(2), byte(0), byte(7), byte(1), int(0)) }],
    expect: [{
      out: "",
      back: joined(
        byte(0x82),
        byte(0),
        byte(7),
        byte(0),
        int(104),
        int(10),
        string(
          "Invalid or unsupported protocol version (2); supported versions are (3/v3, 4/v4, 5/v5)",
        ),
      ).fill(92, 7, 8),
      closed: true,
    }],
  },
  {
    name: "5 of a server that answers in 4, and reads no further request",
    rules: [],
    steps: [
      { data: startup({}, { version: 5 }) },
      { reply: true, data: protocolError("no", { version: 4 }) },
      { data: startup({}, { version: 5 }) },
    ],
    expect: [{ out: startup({}, { version: 5 }) }, {
      out: protocolError("no", { version: 4 }),
    }, { out: "", closed: true, log: [{ reason: "startup" }] }],
  },
]);
