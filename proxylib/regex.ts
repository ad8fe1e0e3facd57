/**
 * Regular expressions of policy rules: RE2 syntax and linear time, as Cilium's
 * are, so that no pattern can stall the proxy. Searched, not anchored.
 *
 * @module
 */
import { RE2JS } from "re2js";
import { z } from "zod";
import { fromLatin1, isAscii } from "./text.ts";

/** A compiled rule expression. */
export interface Regex {
  readonly source: string;
  /** What every text that holds a match begins with, as far as that is plain. */
  readonly prefix: string;
  /** Whether `prefix` is the one text that holds a match. */
  readonly isExact: boolean;
  /** Whether the bytes, given as a `latin1` text, hold a match anywhere. */
  test(raw: string): boolean;
}

/** Compiles RE2 syntax. Throws a `SyntaxError` that quotes what RE2 refuses (look-around, back-references). */
export function regex(source: string): Regex {
  try {
    const compiled = RE2JS.compile(source);
    // As Go's RE2 does, read the bytes as UTF-8, not as UTF-16 characters.
    const prefix = prefixOf(source);
    return {
      source,
      prefix,
      isExact: prefix !== "" &&
        source === `^${prefix.replaceAll(".", "\\.")}$`,
      test: (raw) => compiled.test(isAscii(raw) ? raw : fromLatin1(raw)),
    };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(`not an RE2 expression: ${detail}`, { cause });
  }
}

/** The letters behind a `^`, if nothing in the expression can take them back: no alternative, no flag. */
function prefixOf(source: string): string {
  const [, letters] = /^\^((?:[\w/ :,@#-]|\\\.)*)/.exec(source) ?? [];
  if (letters === undefined || /\||\(\?/.test(source)) return "";
  const next = source.charAt(1 + letters.length);
  const plain = letters.replaceAll("\\", "");
  return "*?{".includes(next) && next !== "" ? plain.slice(0, -1) : plain;
}

/** A rule key whose value is an expression. `code` is the error's code, such as `memcache.regex`. */
export function regexKey(code: string): z.ZodType<Regex, unknown> {
  return z.string().transform((source, context) => {
    try {
      return regex(source);
    } catch (error) {
      context.addIssue({
        code: "custom",
        message: (error as Error).message,
        params: {
          code,
          mend:
            "write it in RE2 syntax, without look-around or back-references",
        },
      });
      return z.NEVER;
    }
  });
}
