/** Bytes of DNS: what is read of them, and what is not taken for a message. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import {
  failure,
  idOf,
  isSameQuestion,
  RCODE,
  readQuery,
  readReply,
  withId,
  writeQuery,
} from "./message.ts";
import { readName } from "./name.ts";
import { nameBytes, query, reply, two } from "./testkit.ts";

const asked = query(0x1234, "WWW.cilium.io");

Deno.test("readQuery reads the question, in lower case", () => {
  assertEquals(readQuery(asked), {
    question: { name: "www.cilium.io.", type: 1, class: 1 },
  });
});

Deno.test("readQuery reads a query with EDNS (RFC 6891)", () => {
  const edns = [0, ...two(41), ...two(1232), 0, 0, 0, 0, ...two(0)];
  assertEquals(readQuery(query(1, "a.io", 28, edns)), {
    question: { name: "a.io.", type: 28, class: 1 },
  });
});

/** A query with a byte replaced. */
function changed(at: number, value: number): Uint8Array {
  const copy = asked.slice();
  copy[at] = value;
  return copy;
}

const QUERIES: readonly (readonly [string, Uint8Array, number | undefined])[] =
  [
    ["nothing", new Uint8Array(), undefined],
    ["half a header", asked.subarray(0, 11), undefined],
    ["a response", changed(2, 0x81), undefined],
    ["another opcode", changed(2, 0x28), RCODE.notImp],
    ["no question", changed(5, 0), RCODE.formErr],
    ["two questions", changed(5, 2), RCODE.formErr],
    ["a header alone", asked.subarray(0, 12), RCODE.formErr],
    ["half a name", asked.subarray(0, 18), RCODE.formErr],
    ["a name without a type", asked.subarray(0, -4), RCODE.formErr],
    ["a pointer to itself", changed(12, 0xc0), RCODE.formErr],
    ["a zone transfer", query(1, "a.io", 252), RCODE.notImp],
  ];

for (const [name, bytes, rcode] of QUERIES) {
  Deno.test(`readQuery answers ${name} with ${rcode ?? "nothing"}`, () => {
    assertEquals(readQuery(bytes), rcode === undefined ? undefined : { rcode });
  });
}

Deno.test("readReply reads addresses and the names on the way to them", () => {
  const bytes = reply(asked, [
    ["www.cilium.io", 5, 300, nameBytes("edge.example.net")],
    ["edge.example.net", 1, 60, [192, 0, 2, 1]],
    ["edge.example.net", 28, 70_000, [32, 1, 13, 184, ...Array(11).fill(0), 1]],
    ["edge.example.net", 16, 60, [1, 120]],
  ]);
  assertEquals(readReply(bytes), {
    question: { name: "www.cilium.io.", type: 1, class: 1 },
    rcode: 0,
    isTruncated: false,
    records: [
      {
        name: "www.cilium.io.",
        type: "CNAME",
        ttl: 300,
        value: "edge.example.net.",
      },
      { name: "edge.example.net.", type: "A", ttl: 60, value: "192.0.2.1" },
      {
        name: "edge.example.net.",
        type: "AAAA",
        ttl: 70_000,
        value: "2001:db8:0:0:0:0:0:1",
      },
    ],
  });
});

Deno.test("readReply follows pointers to names that stand before", () => {
  const bytes = reply(asked, [["", 1, 60, [192, 0, 2, 1]]]);
  // The owner's one byte, the root, becomes a pointer to the question.
  const at = asked.length;
  const pointing = new Uint8Array([
    ...bytes.subarray(0, at),
    0xc0,
    12,
    ...bytes.subarray(at + 1),
  ]);
  assertEquals(readReply(pointing)?.records[0]?.name, "www.cilium.io.");
});

const A = [192, 0, 2, 1];
const good = reply(asked, [["a.io", 1, 60, A]]);
const REPLIES: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array()],
  ["a query", asked],
  ["a response that ends inside of a record", good.subarray(0, -1)],
  [
    "more records announced than there are",
    (() => {
      const copy = good.slice();
      copy[7] = 2;
      return copy;
    })(),
  ],
  ["an address of three bytes", reply(asked, [["a.io", 1, 60, [1, 2, 3]]])],
  ["an IPv6 address of four bytes", reply(asked, [["a.io", 28, 60, A]])],
  [
    "a CNAME with bytes behind it",
    reply(asked, [["a.io", 5, 60, [...nameBytes("b.io"), 0]]]),
  ],
  [
    "a CNAME that points to itself",
    (() => {
      const bytes = reply(asked, [["a.io", 5, 60, [0xc0, 0]]]);
      bytes[bytes.length - 1] = bytes.length - 2;
      return bytes;
    })(),
  ],
];

for (const [name, bytes] of REPLIES) {
  Deno.test(`readReply refuses ${name}`, () => {
    assertEquals(readReply(bytes), undefined);
  });
}

Deno.test("readReply takes a time to live with its highest bit set for none", () => {
  const bytes = reply(asked, [["a.io", 1, 0x8000_0001, A]]);
  assertEquals(readReply(bytes)?.records[0]?.ttl, 0);
});

Deno.test("readName tells a dot inside of a label from one between two", () => {
  const label = new TextEncoder().encode("www.cilium");
  const bytes = new Uint8Array([label.length, ...label, 2, 105, 111, 0]);
  assertEquals(readName(bytes, 0)?.name, "www\\046cilium.io.");
});

const NAMES: readonly (readonly [string, number[], number])[] = [
  ["a pointer forward", [0xc0, 2, 1, 97, 0], 0],
  ["two pointers to each other", [0xc0, 2, 0xc0, 0], 2],
  ["a pointer without its second byte", [1, 97, 0xc0], 0],
  ["a label of 64 bytes", [64, ...Array(64).fill(97), 0], 0],
  [
    "256 bytes of labels",
    [...Array(4).fill([63, ...Array(63).fill(97)]).flat(), 0],
    0,
  ],
  [
    "a chain of pointers that is too long",
    [
      0,
      ...Array.from({ length: 40 }, (_, i) => [0xc0, i === 0 ? 0 : 2 * i - 1])
        .flat(),
    ],
    79,
  ],
];

for (const [name, bytes, start] of NAMES) {
  Deno.test(`readName refuses ${name}`, () => {
    assertEquals(readName(new Uint8Array(bytes), start), undefined);
  });
}

Deno.test("failure repeats number and question, and nothing else", () => {
  const edns = [0, ...two(41), ...two(1232), 0, 0, 0, 0, ...two(0)];
  const refused = failure(query(0x1234, "a.io", 1, edns), RCODE.refused);
  assertEquals(idOf(refused), 0x1234);
  assertEquals(readReply(refused), {
    question: { name: "a.io.", type: 1, class: 1 },
    rcode: 5,
    isTruncated: false,
    records: [],
  });
  assertEquals(failure(asked.subarray(0, 14), RCODE.formErr).length, 12);
});

Deno.test("withId changes the number alone", () => {
  const other = withId(asked, 0xfedc);
  assertEquals(idOf(other), 0xfedc);
  assertEquals(other.subarray(2), asked.subarray(2));
});

const label = fc.string({
  unit: fc.constantFrom(..."abcxyz019-_"),
  minLength: 1,
  maxLength: 20,
});
const name = fc.array(label, { minLength: 1, maxLength: 6 })
  .map((labels) => `${labels.join(".")}.`);
const octet = fc.integer({ min: 0, max: 255 });

Deno.test("what is asked is read as it was written", () => {
  fc.assert(fc.property(
    name,
    fc.integer({ min: 0, max: 65_535 }),
    (name, id) => {
      const bytes = writeQuery(id, name, 28);
      assertEquals(bytes, query(id, name, 28));
      assertEquals(readQuery(bytes), {
        question: { name, type: 28, class: 1 },
      });
    },
  ));
});

Deno.test("records are read as they were written", () => {
  const address = fc.tuple(octet, octet, octet, octet);
  const records = fc.array(fc.tuple(name, fc.nat(0x7fff_ffff), address), {
    maxLength: 20,
  });
  fc.assert(fc.property(name, records, (name, records) => {
    const asked = query(7, name);
    const read = readReply(
      reply(asked, records.map(([owner, ttl, data]) => [owner, 1, ttl, data])),
    );
    assertEquals(
      read?.records,
      records.map(([name, ttl, data]) => {
        return { name, type: "A", ttl, value: data.join(".") };
      }),
    );
    assert(isSameQuestion(read!.question, { name, type: 1, class: 1 }));
  }));
});

Deno.test("no bytes throw or hang, and each cut of a response is refused", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 600, size: "max" }),
    // Mostly pointers and short labels, behind the header of a response.
    fc.array(fc.constantFrom(0xc0, 0, 1, 12, 14, 20, 97), {
      maxLength: 600,
      size: "max",
    }).map((bytes) =>
      new Uint8Array([
        ...[0, 0, 0x81, 0x80, 0, 1, 0, 200, 0, 0, 0, 0],
        ...bytes,
      ])
    ),
  );
  fc.assert(
    fc.property(noise, (bytes) => {
      readReply(bytes);
      const read = readQuery(bytes);
      if (read && "rcode" in read) failure(bytes, read.rcode);
    }),
    { numRuns: 2000 },
  );
  const whole = reply(asked, [
    ["www.cilium.io", 5, 1, nameBytes("b.io")],
    ["b.io", 1, 1, A],
  ]);
  for (let end = 0; end < whole.length; end++) {
    assertEquals(readReply(whole.subarray(0, end)), undefined);
  }
});
