/**
 * Base64 as memcached decodes keys with the `b` flag (base64.c): characters
 * outside the alphabet are skipped, and padding ends the text wherever it stands.
 *
 * @module
 */

const ALPHABET =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = "=";
const CANONICAL =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether every decoder reads this text alike. */
export function isCanonical(text: string): boolean {
  return CANONICAL.test(text);
}

/** The decoded bytes as a `latin1` text; `undefined` where the server refuses. */
export function decodeKey(text: string): string | undefined {
  const digits = [...text].filter((c) => c === PAD || ALPHABET.includes(c));
  if (digits.length === 0 || digits.length % 4 !== 0) return undefined;
  let key = "";
  for (let at = 0; at < digits.length; at += 4) {
    const block = digits.slice(at, at + 4);
    const [a, b, c, d] = block.map((digit) =>
      Math.max(0, ALPHABET.indexOf(digit))
    );
    const bits = (a! << 18) | (b! << 12) | (c! << 6) | d!;
    const pads = block.filter((digit) => digit === PAD).length;
    if (pads > 2) return undefined;
    key += String.fromCharCode(bits >> 16, (bits >> 8) & 0xff, bits & 0xff)
      .slice(0, 3 - pads);
    if (pads > 0) break;
  }
  return key;
}
