/**
 * What the random inputs of these tests are put together from: fast-check
 * arbitraries of texts with one character a byte. {@linkcode KEY} and
 * {@linkcode KEY64} stand for the beginning of the keys of one case.
 *
 * @module
 */
import fc from "fast-check";

/** Stands for a case's own key prefix, which has {@linkcode KEY_BYTES}. */
export const KEY = "\u0100";
/** Stands for the prefix in base64. */
export const KEY64 = "\u0101";
/** A multiple of three, so that base64 of prefix and rest is base64 of each. */
export const KEY_BYTES = 9;

/** Puts a case's own prefix in place. */
export function withKeys(text: string, number: number): string {
  const prefix = `k${String(number).padStart(KEY_BYTES - 2, "0")}:`;
  return text.replaceAll(KEY, prefix).replaceAll(KEY64, btoa(prefix));
}

/** How many bytes a text has once its prefixes are in place. */
export function lengthOf(text: string): number {
  return text.replaceAll(KEY, "x".repeat(KEY_BYTES)).length;
}

/** A key in base64, its prefix too. */
export function base64(key: string): string {
  return key.split(KEY).map(btoa).join(KEY64);
}

export type Text = fc.Arbitrary<string>;

/** Mostly the first, now and then one of the others. */
export function mostly(
  usual: Text | string,
  ...others: (Text | string)[]
): Text {
  return fc.oneof(
    { weight: 15 * others.length, arbitrary: text(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: text(other) })),
  );
}

function text(item: Text | string): Text {
  return typeof item === "string" ? fc.constant(item) : item;
}

export function join(...items: (Text | string)[]): Text {
  return fc.tuple(...items.map(text)).map((texts) => texts.join(""));
}

export function repeated(
  item: Text,
  minLength: number,
  maxLength: number,
): Text {
  return fc.array(item, { minLength, maxLength }).map((texts) =>
    texts.join("")
  );
}

/** Bytes of any kind. */
export const noise: Text = fc.array(fc.nat(255), {
  minLength: 1,
  maxLength: 60,
})
  .map((bytes) => String.fromCharCode(...bytes));

/** Words that servers have been known to read as numbers, or not to. */
export const oddNumber: Text = fc.constantFrom(
  ...["-1", "+3", "007", "-0", "1x", "x", "0x10", "1e3", "1.5", "--1", "+"],
  ...["4294967295", "4294967296", "2147483647", "2147483648", "-2147483648"],
  ...["18446744073709551615", "18446744073709551616"],
  ...["9223372036854775807", "-9223372036854775809", "noreply"],
  ...["\t5", "5\t", "5\t9", "5\v", "\f5", "5\0", "5\r", "\r5"],
);

/** Too big, or not at all, to leave the server waiting for a value that never comes. */
export const endsSoon = (number: string) =>
  !/\d{4}/.test(number) || /^-/.test(number);

/** Where commands and keys come from, for one family of inputs. */
export interface Vocabulary {
  /** Beginnings of keys. */
  readonly keys: readonly string[];
  /** Commands without keys. */
  readonly keyless: readonly string[];
  /** Whether a value may be left unfinished at the end of the input. */
  readonly unfinished: boolean;
}
