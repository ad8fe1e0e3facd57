/**
 * Messages over TCP: two bytes of length, then as many bytes (RFC 1035, section
 * 4.2.2).
 *
 * @module
 */

/** The next message; nothing at the end of the stream, wherever it comes. */
export async function readFrame(
  connection: Deno.Conn,
): Promise<Uint8Array | undefined> {
  const prefix = await readAll(connection, 2);
  return prefix && await readAll(connection, prefix[0]! << 8 | prefix[1]!);
}

export async function writeFrame(
  connection: Deno.Conn,
  message: Uint8Array,
): Promise<void> {
  const frame = new Uint8Array(2 + message.length);
  frame.set([message.length >> 8, message.length & 0xff]);
  frame.set(message, 2);
  for (let at = 0; at < frame.length;) {
    at += await connection.write(frame.subarray(at));
  }
}

async function readAll(
  connection: Deno.Conn,
  length: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) return undefined;
    at += read;
  }
  return bytes;
}
