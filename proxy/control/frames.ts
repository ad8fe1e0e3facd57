/**
 * How messages stand in the control channel: four bytes of length (little
 * endian), then as many bytes of JSON.
 *
 * @module
 */

const PREFIX_BYTES = 4;
/** No message is longer; whoever announces more has lost its place. */
const LONGEST = 256 * 1024 * 1024;

/** A message as bytes. */
export function encodeFrame(message: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const frame = new Uint8Array(PREFIX_BYTES + json.length);
  new DataView(frame.buffer).setUint32(0, json.length, true);
  frame.set(json, PREFIX_BYTES);
  return frame;
}

/** Puts messages together from the pieces that arrive. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes of the frame that is arriving, its prefix included; 0: not known yet. */
  #wanted = 0;

  /** The messages that are whole now. @throws {Error} when a length is out of range, or the text no JSON */
  push(bytes: Uint8Array): unknown[] {
    this.#pieces.push(bytes.slice());
    this.#held += bytes.length;
    const messages: unknown[] = [];
    while (this.#held >= Math.max(PREFIX_BYTES, this.#wanted)) {
      const held = this.#joined();
      if (this.#wanted === 0) this.#wanted = lengthOf(held);
      if (held.length < this.#wanted) continue;
      const json = held.subarray(PREFIX_BYTES, this.#wanted);
      messages.push(JSON.parse(new TextDecoder().decode(json)));
      this.#pieces = [held.subarray(this.#wanted)];
      this.#held -= this.#wanted;
      this.#wanted = 0;
    }
    return messages;
  }

  #joined(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!;
    const joined = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [joined];
    return joined;
  }
}

function lengthOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const length = view.getUint32(0, true);
  if (length > LONGEST) throw new Error(`a message of ${length} bytes`);
  return PREFIX_BYTES + length;
}
