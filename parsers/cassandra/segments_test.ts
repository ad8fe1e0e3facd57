/** Conversations in segments: version 5 behind STARTUP. */
import { type Case, testParser } from "parley/testkit";
import cassandra from "./mod.ts";
import {
  batch,
  byte,
  denied,
  done,
  errorReply,
  execute,
  frame,
  int,
  joined,
  longString,
  prepare,
  preparedReply,
  query,
  ready,
  reply,
  segment,
  type SegmentOptions,
  short,
  split,
  startup,
  string,
} from "./testkit.ts";

const RULES: NonNullable<Case["rules"]> = [
  { query_action: "select", query_table: "^public\\." },
  { query_action: "insert", query_table: "^public\\." },
];
const V5 = { version: 5 } as const;
const on = (stream: number) => ({ ...V5, stream });
const read = (stream: number) => query("SELECT * FROM public.t", on(stream));
const secret = (stream: number) => query("SELECT * FROM secret.t", on(stream));
const refusal = (stream: number) => denied("select on secret.t", on(stream));
const LONG = "x".repeat(200);

/** Both forms of segments, as a client agrees on them. */
const FORMS: [name: string, compression: string, form: SegmentOptions][] = [
  ["plain segments", "", {}],
  ["lz4 segments", "lz4", { lz4: true, packed: true }],
  ["lz4 segments that are not packed", "lz4", { lz4: true }],
];

for (const [name, compression, form] of FORMS) {
  /** How Parley writes its own. */
  const own: SegmentOptions = { ...form, packed: false };
  const begin = [
    {
      data: startup(compression ? { COMPRESSION: compression } : {}, V5),
    },
    { reply: true, data: ready(V5) },
  ];
  const insert = query("INSERT INTO public.t (k, v) VALUES (?, ?)", {
    ...V5,
    values: ["k", LONG],
  });
  const intruder = query("INSERT INTO secret.t (k, v) VALUES (?, ?)", {
    ...V5,
    values: ["k", LONG],
  });
  const large = reply(0x08, joined(int(2), LONG), on(1));
  const started: Case["expect"] = [{}, {}];

  testParser(`cassandra in ${name}`, cassandra, [
    {
      name: "speaks in frames until STARTUP is answered, AUTHENTICATE included",
      rules: RULES,
      steps: [
        { data: frame(0x05, "", V5) },
        { reply: true, data: reply(0x06, short(0), V5) },
        begin[0]!,
        { reply: true, data: reply(0x03, string("auth"), V5) },
        { data: segment(frame(0x0f, longString("secret"), V5), form) },
        { reply: true, data: segment(reply(0x10, int(-1), V5), form) },
      ],
      total: {
        forward: joined(
          frame(0x05, "", V5),
          begin[0]!.data,
          segment(frame(0x0f, longString("secret"), V5), form),
        ),
        reply: joined(
          reply(0x06, short(0), V5),
          reply(0x03, string("auth"), V5),
          segment(reply(0x10, int(-1), V5), form),
        ),
      },
    },
    {
      name: "passes a segment whose frames may all pass, as it is",
      rules: RULES,
      steps: [
        ...begin,
        { data: segment(joined(read(1), read(2), read(3)), form) },
      ],
      expect: [...started, {
        out: segment(joined(read(1), read(2), read(3)), form),
        back: "",
      }],
    },
    {
      name: "sends on what may pass of a segment, and a denial in a segment",
      rules: RULES,
      steps: [
        ...begin,
        {
          data: segment(
            joined(read(1), read(2), secret(3), read(4), secret(5)),
            form,
          ),
        },
        { data: segment(secret(6), form) },
      ],
      expect: [...started, {
        out: segment(joined(read(1), read(2), read(4)), own),
        back: joined(segment(refusal(3), own), segment(refusal(5), own)),
      }, { out: "", back: segment(refusal(6), own) }],
    },
    {
      name:
        "passes a frame that is split over segments once its front has decided",
      rules: RULES,
      steps: [
        ...begin,
        { data: split(insert, 100, form) },
        { data: segment(secret(2), form) },
        { data: split(insert, 40, form) },
      ],
      expect: [
        ...started,
        { out: split(insert, 100, form) },
        { out: "", back: segment(refusal(2), own) },
        { out: split(insert, 40, form) },
      ],
    },
    {
      name: "denies a frame that is split over segments",
      rules: RULES,
      steps: [
        ...begin,
        { data: split(intruder, 100, form) },
        { data: segment(read(2), form) },
        { data: split(intruder, 20, form) },
        { data: segment(read(3), form) },
      ],
      expect: [
        ...started,
        { out: "", back: segment(denied("insert on secret.t", on(1)), own) },
        { out: segment(read(2), form) },
        { out: "", back: segment(denied("insert on secret.t", on(1)), own) },
        { out: segment(read(3), form) },
      ],
    },
    {
      name: "holds a split batch until its last statement is known",
      rules: RULES,
      steps: [
        "secret",
        "public",
      ].map((keyspace) => ({
        data: split(
          batch([
            {
              text: "INSERT INTO public.t (k, v) VALUES (?, ?)",
              values: [null, LONG],
            },
            {
              text: "INSERT INTO t (k, v) VALUES (?, ?)",
              values: [undefined, LONG],
            },
          ], { ...V5, keyspace }),
          90,
          form,
        ),
      })).toSpliced(0, 0, ...begin),
      expect: [...started, {
        out: "",
        back: segment(denied("insert on secret.t", on(1)), own),
      }, {
        out: split(
          batch([
            {
              text: "INSERT INTO public.t (k, v) VALUES (?, ?)",
              values: [null, LONG],
            },
            {
              text: "INSERT INTO t (k, v) VALUES (?, ?)",
              values: [undefined, LONG],
            },
          ], { ...V5, keyspace: "public" }),
          90,
          form,
        ),
      }],
    },
    {
      name:
        "reads PREPARE with a keyspace, its id, and EXECUTE with a metadata id",
      rules: RULES,
      steps: [
        ...begin,
        {
          data: segment(
            prepare("SELECT * FROM t", { ...on(1), keyspace: "public" }),
            form,
          ),
        },
        {
          reply: true,
          data: segment(
            joined(done(on(7)), preparedReply("id", on(1))),
            form,
          ),
        },
        { data: segment(execute("id", on(2)), form) },
        { data: segment(execute("di", on(3)), form) },
      ],
      expect: [...started, {}, {}, {
        out: segment(execute("id", on(2)), form),
      }, {
        out: "",
        back: segment(
          errorReply(
            0x2500,
            "this statement is not known here: prepare it again",
            { ...on(3), rest: string("di") },
          ),
          own,
        ),
      }],
    },
    {
      name: "learns from a reply that is split over segments",
      rules: RULES,
      steps: [
        ...begin,
        { data: segment(prepare("SELECT * FROM public.t", on(1)), form) },
        {
          reply: true,
          data: split(
            reply(0x08, joined(int(4), string("id"), LONG), on(1)),
            60,
            form,
          ),
        },
        { data: segment(execute("id", on(2)), form) },
      ],
      expect: [...started, {}, {}, {
        out: segment(execute("id", on(2)), form),
      }],
    },
    {
      name: "sends a denial behind a reply that is split over segments",
      rules: RULES,
      steps: [
        ...begin,
        { data: segment(read(1), form) },
        { reply: true, data: split(large.subarray(0, 120), 60, form) },
        { data: segment(joined(secret(2), secret(3)), form) },
        { reply: true, data: split(large.subarray(120), 60, form) },
        { reply: true, data: segment(done(on(4)), form) },
      ],
      total: {
        reply: joined(
          ready(V5),
          split(large, 60, form),
          segment(refusal(2), own),
          segment(refusal(3), own),
          segment(done(on(4)), form),
        ),
      },
    },
    {
      name: "passes a segment without frames",
      rules: RULES,
      steps: [...begin, { data: segment(joined(), own) }],
      expect: [...started, { out: segment(joined(), own), closed: false }],
    },
  ]);

  const flipped = (data: Uint8Array, at: number) => {
    const copy = data.slice();
    copy[at < 0 ? copy.length + at : at]! ^= 0x01;
    return copy;
  };
  const FAILS: [name: string, code: string, data: Uint8Array][] = [
    ["a corrupt header", "crc", flipped(segment(read(1), form), 0)],
    [
      "a corrupt checksum of the header",
      "crc",
      flipped(segment(read(1), form), 5),
    ],
    ["a corrupt payload", "crc", flipped(segment(read(1), form), 20)],
    [
      "a corrupt checksum of the payload",
      "crc",
      flipped(segment(read(1), form), -1),
    ],
    ["half a header", "malformed", segment(read(1).subarray(0, 5), form)],
    ["half a frame", "malformed", segment(read(1).subarray(0, 30), form)],
    [
      "a frame and a half",
      "malformed",
      segment(joined(read(1), read(2).subarray(0, 30)), form),
    ],
    [
      "a frame of another version",
      "version",
      segment(query("SELECT * FROM public.t"), form),
    ],
    ["a lying frame", "malformed", segment(frame(0x07, int(50), V5), form)],
    [
      "a negative length",
      "frame-length",
      segment(frame(0x07, "", { ...V5, length: -1 }), form),
    ],
    ["a part that is a whole frame", "malformed", split(read(1), 1000, form)],
    [
      "a part that is more than a frame",
      "malformed",
      split(joined(read(1), read(2)), 1000, form),
    ],
    ["a part of less than a header", "malformed", split(insert, 5, form)],
    [
      "a last part that is too long",
      "malformed",
      split(joined(read(1), read(2)), 40, form),
    ],
    [
      "a whole frame between parts",
      "malformed",
      joined(
        split(insert.subarray(0, 100), 100, form),
        segment(read(1), form),
      ),
    ],
    ["a second STARTUP", "startup", segment(startup({}, V5), form)],
  ];
  testParser(
    `cassandra in ${name} closes on`,
    cassandra,
    FAILS.map(([name, code, data]) => ({
      name,
      rules: [{}],
      steps: [...begin, { data: joined(data, segment(read(9), form)) }],
      expect: [...started, {
        closed: true,
        log: [{ verdict: "error", reason: code }],
      }],
      absent: { forward: [read(9), segment(read(9), form)] },
    })),
  );
}

testParser("cassandra in segments closes on", cassandra, [
  {
    name: "a payload that unpacks to less than its header says",
    rules: [{}],
    steps: [
      { data: startup({ COMPRESSION: "lz4" }, V5) },
      { reply: true, data: ready(V5) },
      {
        data: segment(read(1), {
          lz4: true,
          packed: true,
          unpacked: read(1).length + 1,
        }),
      },
    ],
    expect: [{}, {}, {
      out: "",
      back: segment(
        errorReply(0x0a, "the segment does not unpack", { ...V5, stream: 0 }),
        { lz4: true },
      ),
      closed: true,
    }],
  },
  {
    name:
      "the request behind a STARTUP with snappy, which version 5 does not have",
    rules: [{}],
    steps: [
      { data: startup({ COMPRESSION: "snappy" }, V5) },
      { reply: true, data: ready(V5) },
      { data: segment(read(1)) },
    ],
    expect: [{}, {}, { out: "", closed: true }],
  },
  {
    name: "a reply of the server's that is no segment",
    rules: [{}],
    steps: [
      { data: startup({}, V5) },
      { reply: true, data: ready(V5) },
      { reply: true, data: done(V5) },
    ],
    expect: [{}, {}, {
      out: "",
      closed: true,
      log: [{ reason: "malformed-reply" }],
    }],
  },
  {
    name:
      "a reply that does not say in its first part which keyspace is in use",
    rules: [{}],
    steps: [
      { data: startup({}, V5) },
      { reply: true, data: ready(V5) },
      { data: segment(query("USE open", on(1))) },
      {
        reply: true,
        data: split(
          reply(
            0x08,
            joined(short(1), string(LONG), int(3), string("shut")),
            { ...on(1), flags: 0x08 },
          ),
          100,
        ),
      },
    ],
    expect: [{}, {}, {}, {
      out: "",
      closed: true,
      log: [{ reason: "malformed-reply" }],
    }],
  },
  {
    name: "a batch whose last kind is none",
    rules: [{}],
    steps: [
      { data: startup({}, V5) },
      { reply: true, data: ready(V5) },
      {
        data: segment(
          frame(0x0d, joined(byte(0), short(1), byte(7), int(0)), V5),
        ),
      },
    ],
    expect: [{}, {}, { out: "", closed: true }],
  },
]);
