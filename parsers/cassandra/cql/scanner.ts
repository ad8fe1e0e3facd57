/**
 * Cuts CQL into tokens as Cassandra 5.0's lexer does (Lexer.g), one at a time.
 *
 * @module
 */
import { constant, isDigit, isoEnd, NOT, uuidEnd } from "./constants.ts";
import { mix, T, wordKind } from "./tokens.ts";

/** Reads tokens of a text, each when it is asked for. Texts of tokens are cut out only by those who need them. */
export class Scanner {
  readonly text: string;
  /** Kind of the token at hand: of `T` or `K`. */
  kind: number = T.END;
  /** Where it begins. */
  start = 0;
  /** Behind its last character. */
  end = 0;
  /** Of a word: whether all of it is lower case, as far as one can tell at once. */
  lower = false;
  /** What the text has that is no token, if the kind is `FAILED`. */
  mistake = "";

  constructor(text: string) {
    this.text = text;
  }

  /** Reads the token behind the one at hand. Behind the last one and a failure there is nothing. */
  scan(): void {
    if (this.kind === T.FAILED) return;
    const text = this.text;
    const { length } = text;
    let at = this.end;
    let code = at < length ? text.charCodeAt(at) : 0;
    for (;;) {
      while (code === 32 || code === 10 || code === 13 || code === 9) {
        code = ++at < length ? text.charCodeAt(at) : 0;
      }
      if (code !== 0x2d && code !== 0x2f) break;
      const end = commentEnd(text, at);
      if (end === at) break;
      if (end === NOT) {
        this.start = at;
        return this.mistaken("a comment without its end");
      }
      at = end;
      code = at < length ? text.charCodeAt(at) : 0;
    }
    this.start = at;
    const letter = code | 32;
    if (letter >= 97 && letter <= 122) {
      this.#word(code);
      return;
    }
    this.end = at + 1;
    switch (code) {
      case 0x2c:
        this.kind = T.COMMA;
        return;
      case 0x28:
        this.kind = T.LEFT_PAREN;
        return;
      case 0x29:
        this.kind = T.RIGHT_PAREN;
        return;
      case 0x3d:
        this.kind = T.EQUAL;
        return;
      case 0x3f:
        this.kind = T.QUESTION;
        return;
      case 0x2a:
        this.kind = T.STAR;
        return;
      case 0x3a:
        this.kind = T.COLON;
        return;
      case 0x3b:
        this.kind = T.SEMICOLON;
        return;
      case 0x5b:
        this.kind = T.LEFT_BRACKET;
        return;
      case 0x5d:
        this.kind = T.RIGHT_BRACKET;
        return;
      case 0x7b:
        this.kind = T.LEFT_BRACE;
        return;
      case 0x7d:
        this.kind = T.RIGHT_BRACE;
        return;
      case 0x25:
        this.kind = T.PERCENT;
        return;
      case 0x2e:
        this.#oneOrTwo(T.DOT, 0x2e, T.RANGE);
        return;
      case 0x2b:
        this.#oneOrTwo(T.PLUS, 0x3d, T.PLUS_EQUAL);
        return;
      case 0x3c:
        this.#oneOrTwo(T.LESS, 0x3d, T.LESS_EQUAL);
        return;
      case 0x3e:
        this.#oneOrTwo(T.GREATER, 0x3d, T.GREATER_EQUAL);
        return;
      case 0x21:
        this.#oneOrTwo(T.FAILED, 0x3d, T.NOT_EQUAL);
        return;
      case 0x27:
        this.#quoted("'", T.STRING, "a string without its end");
        return;
      case 0x22:
        this.#quoted('"', T.QUOTED_NAME, "a quoted name without its end");
        return;
      case 0x24:
        this.#dollars();
        return;
      case 0x2d:
        this.#minus();
        return;
      case 0x2f:
        this.kind = T.SLASH;
        return;
    }
    if (isDigit(code)) return this.#constant();
    if (at < text.length) return this.mistaken("a character without meaning");
    this.kind = T.END;
    this.end = at;
  }

  /** Ends the reading. @param mistake what is wrong with the token at hand; nothing of the text */
  mistaken(mistake: string): void {
    this.kind = T.FAILED;
    this.mistake = mistake;
  }

  #word(first: number): void {
    const { text, start } = this;
    const { length } = text;
    let at = start;
    let code = first;
    let hash = 0;
    let bits = LOWER;
    do {
      hash = mix(hash, code);
      bits &= code;
      code = ++at < length ? text.charCodeAt(at) : 0;
    } while (isWordCharacter(code));
    this.end = at;
    this.lower = bits === LOWER;
    if (code === 0x2d && at - start === 8) {
      const end = uuidEnd(text, start);
      if (end !== start) return this.#ended(T.UUID, end, NO_UUID);
    }
    if (first === UPPER_P) {
      const end = isoEnd(text, start);
      if (end === NOT || end >= at) {
        return this.#ended(T.DURATION, end, NO_DURATION);
      }
    }
    if (code === 0x28 && at - start === 4 && text.startsWith("expr", start)) {
      return this.#ended(T.EXPR, at + 1, "");
    }
    this.kind = wordKind(text, start, at, hash);
  }

  #oneOrTwo(one: number, second: number, two: number): void {
    if (this.text.charCodeAt(this.end) === second) {
      this.kind = two;
      this.end++;
    } else if (one === T.FAILED) {
      this.mistaken("a character without meaning");
    } else {
      this.kind = one;
    }
  }

  /** To the next quote that is not doubled. */
  #quoted(quote: string, kind: number, mistake: string): void {
    const { text } = this;
    let end = text.indexOf(quote, this.end);
    while (end !== NOT && text.charAt(end + 1) === quote) {
      end = text.indexOf(quote, end + 2);
    }
    if (end === NOT) return this.mistaken(mistake);
    this.kind = kind === T.QUOTED_NAME && end === this.end
      ? T.EMPTY_NAME
      : kind;
    this.end = end + 1;
  }

  /** `$$…$$`, to the very next `$$`. */
  #dollars(): void {
    const { text, start } = this;
    const end = text.charCodeAt(start + 1) === 0x24
      ? text.indexOf("$$", start + 2)
      : NOT;
    this.#ended(
      T.STRING,
      end === NOT ? NOT : end + 2,
      "a string without its end",
    );
  }

  #minus(): void {
    const { text, start } = this;
    const next = text.charCodeAt(start + 1);
    if (isDigit(next)) return this.#constant();
    if (next === UPPER_P) {
      const end = isoEnd(text, start + 1);
      return this.#ended(
        T.DURATION,
        end === start + 1 ? NOT : end,
        NO_DURATION,
      );
    }
    // The lexer takes these letters for the beginning of NaN and of Infinity.
    const letter = next | 32;
    if (letter === 0x6e) return this.#negative("nan");
    if (letter === 0x69) return this.#negative("infinity");
    this.#oneOrTwo(T.MINUS, 0x3d, T.MINUS_EQUAL);
  }

  #negative(word: string): void {
    const from = this.start + 1;
    const end = from + word.length;
    const found = this.text.slice(from, end).toLowerCase() === word;
    this.#ended(T.FLOAT_NAME, found ? end : NOT, "a number that is none");
  }

  #constant(): void {
    const found = constant(this.text, this.start);
    if (found === NOT) return this.mistaken("a number that is none");
    this.kind = found % 16;
    this.end = (found - this.kind) / 16;
  }

  #ended(kind: number, end: number, mistake: string): void {
    if (end === NOT) return this.mistaken(mistake);
    this.kind = kind;
    this.end = end;
  }
}

const UPPER_P = 0x50;
/** The bit that lower case letters and digits have; capitals and `_` do not. */
const LOWER = 0x20;
const NO_UUID = "a UUID that is none";
const NO_DURATION = "a duration that is none";

/** Letters, digits and `_`: of ASCII only. */
function isWordCharacter(code: number): boolean {
  const letter = code | 32;
  return (letter >= 97 && letter <= 122) || (code >= 48 && code <= 57) ||
    code === 95;
}

/** The end of the comment at `start`; `start` if there is none, {@linkcode NOT} if it does not end. */
function commentEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  const second = text.charCodeAt(start + 1);
  if (first === 0x2f && second === 0x2a) {
    const end = text.indexOf("*/", start + 2);
    return end === NOT ? NOT : end + 2;
  }
  if (first !== second) return start;
  // To the end of the line, which there must be.
  for (let at = start + 2; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) return at + 1;
  }
  return NOT;
}
