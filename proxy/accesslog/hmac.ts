/**
 * HMAC-SHA-256 (RFC 2104, FIPS 180-4), at once and without the runtime: its own
 * answers later (Web Crypto), and the data path waits for nothing.
 *
 * @module
 */

const BLOCK = 64;
const encoder = new TextEncoder();

/** The first 32 bits of the fractional parts of roots of the first primes. */
const [STATE, ROUNDS] = constants();

function constants(): [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return [
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2n)),
    Int32Array.from(primes, (prime) => fraction(prime, 3n)),
  ];
}

/** 32 bits behind the point of the square or cube root: whole numbers only, for doubles have too few bits. */
function fraction(prime: number, degree: bigint): number {
  const scaled = BigInt(prime) << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= scaled) low = middle;
    else high = middle;
  }
  return Number(BigInt.asIntN(32, low));
}

/** A key, ready to be used. */
export class Hmac {
  /** States behind the padded key. */
  readonly #inner: Int32Array;
  readonly #outer: Int32Array;

  constructor(key: Uint8Array) {
    const block = new Uint8Array(BLOCK);
    block.set(key.length > BLOCK ? digest(STATE, key, 0) : key);
    this.#inner = behind(block.map((byte) => byte ^ 0x36));
    this.#outer = behind(block.map((byte) => byte ^ 0x5c));
  }

  /** 32 bytes. */
  of(text: string): Uint8Array {
    const inner = digest(this.#inner, encoder.encode(text), BLOCK);
    return digest(this.#outer, inner, BLOCK);
  }
}

function behind(block: Uint8Array): Int32Array {
  const state = STATE.slice();
  compress(state, block, 0);
  return state;
}

/** The hash of a message whose first `before` bytes have led to `start`. */
function digest(
  start: Int32Array,
  message: Uint8Array,
  before: number,
): Uint8Array {
  const state = start.slice();
  const whole = message.length - message.length % BLOCK;
  for (let at = 0; at < whole; at += BLOCK) compress(state, message, at);
  const rest = message.length - whole;
  const last = new Uint8Array(rest + 9 > BLOCK ? 2 * BLOCK : BLOCK);
  last.set(message.subarray(whole));
  last[rest] = 0x80;
  const bits = BigInt(before + message.length) * 8n;
  new DataView(last.buffer).setBigUint64(last.length - 8, bits);
  for (let at = 0; at < last.length; at += BLOCK) compress(state, last, at);
  const bytes = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => bytes.setInt32(4 * i, word));
  return new Uint8Array(bytes.buffer);
}

const schedule = new Int32Array(64);

function compress(state: Int32Array, block: Uint8Array, at: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++) {
    const j = at + 4 * i;
    w[i] = block[j]! << 24 | block[j + 1]! << 16 | block[j + 2]! << 8 |
      block[j + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15]!, w[i - 2]!];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3;
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ y >>> 10;
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1 | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as number[] as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = e & f ^ ~e & g;
    const t1 = h + s1 + choice + ROUNDS[i]! + w[i]! | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = a & b ^ a & c ^ b & c;
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + s0 + majority | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

function rotate(word: number, by: number): number {
  return word >>> by | word << 32 - by;
}
