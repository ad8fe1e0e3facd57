import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { EPERM } from "../linux/errno.ts";
import { assemble, evaluate } from "./bpf.ts";
import { ALLOW, buildFilter, failsWith, KILL_PROCESS } from "./seccomp.ts";
import {
  AUDIT_ARCH,
  JUDGED,
  type Machine,
  numberOf,
  REFUSED,
} from "./syscalls.ts";

const PID = 4711;
const ENOSYS = 38;
const REFUSE = failsWith(EPERM);
const MACHINES: readonly Machine[] = ["x86_64", "aarch64"];

function answer(machine: Machine, number: number, args: number[] = []): number {
  const filter = buildFilter(machine, PID);
  return evaluate(filter, { number, arch: AUDIT_ARCH[machine], args });
}

const FAST_OPEN = 0x20000000;
const NO_SIGNAL = 0x4000;
const THREAD = 0x3d0f00; // the flags of pthread_create(3)
const VFORK = 0x4111;

/** Calls that are judged by their arguments. */
const CALLS: readonly (readonly [
  keyof typeof JUDGED,
  readonly number[],
  number,
  string,
])[] = [
  ["sendto", [1, 0, 0, NO_SIGNAL], ALLOW, "sending"],
  ["sendto", [1, 0, 0, FAST_OPEN | NO_SIGNAL], REFUSE, "a hidden connect"],
  ["sendmsg", [1, 0, NO_SIGNAL], ALLOW, "sending"],
  ["sendmsg", [1, 0, FAST_OPEN], REFUSE, "a hidden connect"],
  ["sendmmsg", [1, 0, 1, FAST_OPEN], REFUSE, "a hidden connect"],
  ["ioctl", [0, 0x5401], ALLOW, "TCGETS"],
  ["ioctl", [0, 0x5412], REFUSE, "TIOCSTI"],
  ["ioctl", [0, 0x541c], REFUSE, "TIOCLINUX"],
  ["socket", [2, 1 | 0o4000 | 0o2000000, 0], ALLOW, "TCP, non-blocking"],
  ["socket", [10, 1, 6], ALLOW, "TCP over IPv6"],
  ["socket", [1, 1, 0], ALLOW, "a Unix stream"],
  ["socket", [2, 2, 0], REFUSE, "UDP"],
  ["socket", [2, 3, 6], REFUSE, "a raw socket"],
  ["socket", [2, 1, 262], REFUSE, "MPTCP"],
  ["socket", [2, 1, 132], REFUSE, "SCTP"],
  ["socket", [16, 1, 0], REFUSE, "netlink"],
  ["socket", [17, 3, 0], REFUSE, "packets"],
  ["socket", [40, 1, 0], REFUSE, "vsock"],
  ["clone", [THREAD], ALLOW, "a thread"],
  ["clone", [17], REFUSE, "a process"],
  ["clone", [VFORK], REFUSE, "a process that shares memory"],
  ["clone3", [], failsWith(ENOSYS), "anything"],
  ["prctl", [15], ALLOW, "naming a thread"],
  ["prctl", [0x53564d41], ALLOW, "naming memory"],
  ["prctl", [1], REFUSE, "outliving the parent"],
  ["prctl", [4], REFUSE, "leaving a core"],
  ["prctl", [0x59616d61], REFUSE, "being traced"],
  ["kill", [PID, 6], ALLOW, "itself"],
  ["kill", [1, 9], REFUSE, "another process"],
  ["kill", [0xffffffff, 9], REFUSE, "all processes"],
  ["tgkill", [PID, 1, 6], ALLOW, "a thread of its own"],
  ["tgkill", [PID + 1, 1, 6], REFUSE, "another's thread"],
  ["prlimit64", [0], ALLOW, "its own limits"],
  ["prlimit64", [1], REFUSE, "another's limits"],
];

for (const machine of MACHINES) {
  for (const [name, args, want, what] of CALLS) {
    Deno.test(`buildFilter(${machine}) judges ${name}: ${what}`, () => {
      const number = numberOf(machine, JUDGED[name])!;
      assertEquals(answer(machine, number, [...args]), want);
    });
  }
  for (
    const [args, want, what] of [
      [[2, 2 | 0o4000, 0], ALLOW, "UDP"],
      [[10, 2, 17], ALLOW, "UDP over IPv6"],
      [[2, 1, 6], ALLOW, "TCP"],
      [[2, 3, 17], REFUSE, "a raw socket"],
      [[16, 2, 0], REFUSE, "netlink"],
      [[2, 2, 136], REFUSE, "UDP-Lite"],
    ] as const
  ) {
    Deno.test(`buildFilter(${machine}) with datagrams judges socket: ${what}`, () => {
      const number = numberOf(machine, JUDGED.socket)!;
      const filter = buildFilter(machine, PID, "datagrams");
      const call = { number, arch: AUDIT_ARCH[machine], args: [...args] };
      assertEquals(evaluate(filter, call), want);
    });
  }
  Deno.test(`buildFilter(${machine}) refuses all that is listed`, () => {
    for (
      const [name, numbers] of Object.values(REFUSED).flatMap(Object.entries)
    ) {
      const number = numberOf(machine, numbers);
      if (number === undefined) continue;
      assertEquals(answer(machine, number), REFUSE, name);
    }
  });
  Deno.test(`buildFilter(${machine}) lets through what a data path lives on`, () => {
    // read, write, epoll_ctl, epoll_pwait, accept4, connect, recvfrom, setsockopt, mmap, futex
    const lives = machine === "x86_64"
      ? [0, 1, 233, 281, 288, 42, 45, 54, 9, 202]
      : [63, 64, 21, 22, 242, 203, 207, 208, 222, 98];
    for (const number of lives) assertEquals(answer(machine, number), ALLOW);
  });
  Deno.test(`buildFilter(${machine}) kills on calls made another way`, () => {
    const filter = buildFilter(machine, PID);
    const i386 = { number: 11, arch: 0x40000003 };
    assertEquals(evaluate(filter, i386), KILL_PROCESS);
    assertEquals(answer(machine, 0x40000000 + 59), KILL_PROCESS);
  });
  Deno.test(`buildFilter(${machine}) has no number twice`, () => {
    const all = [
      ...Object.values(REFUSED).flatMap(Object.values),
      ...Object.values(JUDGED),
    ]
      .map((numbers) => numberOf(machine, numbers))
      .filter((number) => number !== undefined);
    assertEquals(new Set(all).size, all.length);
  });
}

Deno.test("assemble() writes instructions as the kernel reads them", () => {
  const program = [
    { code: 0x20, ifTrue: 0, ifFalse: 0, value: 4 },
    { code: 0x15, ifTrue: 1, ifFalse: 2, value: 0xc000003e },
  ];
  assertEquals([...assemble(program)], [
    ...[0x20, 0, 0, 0, 4, 0, 0, 0],
    ...[0x15, 0, 1, 2, 0x3e, 0, 0, 0xc0],
  ]);
});
