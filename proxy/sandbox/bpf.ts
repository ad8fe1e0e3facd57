/**
 * Classic BPF, as seccomp filters are written in it (Linux,
 * Documentation/userspace-api/seccomp_filter.rst; linux/bpf_common.h).
 *
 * @module
 */

/** `struct sock_filter`: an instruction, how far to jump if it holds or not, a constant. */
export interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly value: number;
}

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_SET = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const JUMP_GREATER_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

// struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]
const NUMBER_AT = 0;
const ARCH_AT = 4;
const ARGUMENTS_AT = 16;

function instruction(
  code: number,
  value: number,
  ifTrue = 0,
  ifFalse = 0,
): Instruction {
  return { code, ifTrue, ifFalse, value };
}

/** Instructions by what they do. */
export const bpf = {
  loadNumber: () => instruction(LOAD_WORD, NUMBER_AT),
  loadArch: () => instruction(LOAD_WORD, ARCH_AT),
  /** The low half of an argument: all that an `int` is made of (both machines are little endian). */
  loadArgument: (index: number) =>
    instruction(LOAD_WORD, ARGUMENTS_AT + 8 * index),
  and: (mask: number) => instruction(AND, mask),
  answer: (action: number) => instruction(RETURN, action),
} as const;

/** `then` if what was loaded equals the value; goes on behind it otherwise. */
export function whenEqual(
  value: number,
  then: readonly Instruction[],
): Instruction[] {
  return [instruction(JUMP_EQUAL, value, 0, then.length), ...then];
}

/** `then` if what was loaded is none of the values. */
export function whenNone(
  values: readonly number[],
  then: readonly Instruction[],
): Instruction[] {
  const jumps = values.map((value, index) =>
    instruction(JUMP_EQUAL, value, values.length - 1 - index + then.length)
  );
  return [...jumps, ...then];
}

/** `then` if a bit of the mask is set in what was loaded. */
export function whenSet(
  mask: number,
  then: readonly Instruction[],
): Instruction[] {
  return [instruction(JUMP_SET, mask, 0, then.length), ...then];
}

/** `then` if no bit of the mask is set in what was loaded. */
export function unlessSet(
  mask: number,
  then: readonly Instruction[],
): Instruction[] {
  return [instruction(JUMP_SET, mask, then.length), ...then];
}

/** `then` if what was loaded is at least the value. */
export function whenAtLeast(
  value: number,
  then: readonly Instruction[],
): Instruction[] {
  return [instruction(JUMP_GREATER_EQUAL, value, 0, then.length), ...then];
}

const INSTRUCTION_BYTES = 8;

/** The program as the kernel takes it: an array of `struct sock_filter`. */
export function assemble(
  program: readonly Instruction[],
): Uint8Array<ArrayBuffer> {
  const view = new DataView(
    new ArrayBuffer(program.length * INSTRUCTION_BYTES),
  );
  program.forEach(({ code, ifTrue, ifFalse, value }, index) => {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, value, true);
  });
  return new Uint8Array(view.buffer);
}

/** Runs a program on a call, as the kernel would: for tests. The answer is the action. */
export function evaluate(
  program: readonly Instruction[],
  call: {
    readonly number: number;
    readonly arch: number;
    readonly args?: readonly number[];
  },
): number {
  let loaded = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, value, ifTrue, ifFalse } = program[at]!;
    switch (code) {
      case LOAD_WORD:
        loaded = value === NUMBER_AT
          ? call.number
          : value === ARCH_AT
          ? call.arch
          : call.args?.[(value - ARGUMENTS_AT) / 8] ?? 0;
        break;
      case AND:
        loaded = (loaded & value) >>> 0;
        break;
      case RETURN:
        return value;
      case JUMP_EQUAL:
        at += loaded === value ? ifTrue : ifFalse;
        break;
      case JUMP_SET:
        at += (loaded & value) !== 0 ? ifTrue : ifFalse;
        break;
      case JUMP_GREATER_EQUAL:
        at += loaded >= value ? ifTrue : ifFalse;
        break;
      default:
        throw new RangeError(`no such instruction: ${code}`);
    }
  }
  throw new RangeError("the program ends without an answer");
}
