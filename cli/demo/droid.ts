/**
 * A server whose protocol nobody wrote a parser for: it takes lines, and
 * repeats what it heard.
 *
 * @module
 */
import { bytes, latin1, type LocalServer, serve } from "./stand_in.ts";

/** The server, and every line that reached it. */
export interface Droid extends LocalServer {
  readonly heard: readonly string[];
}

/** Starts it on a free loopback port. */
export function startDroid(): Droid {
  const heard: string[] = [];
  const server = serve(async (conn) => {
    const writer = conn.writable.getWriter();
    let held = "";
    for await (const chunk of conn.readable) {
      const lines = (held + latin1(chunk)).split("\n");
      held = lines.pop()!;
      for (const line of lines) {
        heard.push(line);
        await writer.write(bytes(`heard: ${line}\n`));
      }
    }
  });
  return { ...server, heard };
}
