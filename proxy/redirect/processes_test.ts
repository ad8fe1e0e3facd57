import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseStatus, type Process, strangers } from "./processes.ts";

const STATUS = `Name:	memcached
Umask:	0022
State:	S (sleeping)
Pid:	12
PPid:	3
Uid:	1000	1337	1000	1000
Gid:	0	0	0	0
`;

Deno.test("parseStatus() reads name, parent and every user id", () =>
  assertEquals(parseStatus(12, STATUS), {
    pid: 12,
    parent: 3,
    name: "memcached",
    uids: [1000, 1337, 1000, 1000],
  }));

Deno.test("parseStatus() knows no zombie, and no process that has ended", () => {
  const zombie = STATUS.replace("S (sleeping)", "Z (zombie)");
  assertEquals([parseStatus(12, zombie), parseStatus(12, "")], [
    undefined,
    undefined,
  ]);
});

function process(pid: number, parent: number, uid: number): Process {
  return { pid, parent, name: `p${pid}`, uids: [uid, uid, uid, uid] };
}

/** 1 is init; 10 starts the supervisor 11, which has the workers 12 and 13. */
const ALL = [
  process(1, 0, 0),
  process(10, 1, 1337),
  process(11, 10, 1337),
  process(12, 11, 1337),
  process(13, 11, 1337),
  process(20, 1, 1337),
  process(21, 10, 1337),
  process(30, 1, 0),
];

const CASES = [
  {
    name: "without a sidecar, everything under the id",
    own: [],
    want: [10, 11, 12, 13, 20, 21],
  },
  { name: "nothing of the sidecar's own line", own: [11], want: [20, 21] },
  {
    name: "not the sidecar's parents, if a worker is what is known",
    own: [12],
    want: [13, 20, 21],
  },
];

for (const { name, own, want } of CASES) {
  Deno.test(`strangers() are ${name}`, () => {
    const known = ALL.filter(({ pid }) => own.includes(pid as never));
    const found = strangers(ALL, 1337, known).map(({ pid }) => pid);
    assertEquals(found, want);
  });
}
