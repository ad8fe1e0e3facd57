/**
 * Where access logs can go.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import type { LogTarget } from "../config/mod.ts";
import { unixSink, type UnixSinkOptions } from "./unix_sink.ts";
import type { LogSink } from "./writer.ts";

/**
 * The sink that a configuration names.
 *
 * @throws {ParleyError} when its file cannot be opened
 */
export function openSink(target: LogTarget, log: UnixSinkOptions): LogSink {
  if (target === "stdout") return stdoutSink();
  return "file" in target ? fileSink(target.file) : unixSink(target.unix, log);
}

/** Standard output. */
function stdoutSink(): LogSink {
  return {
    write: (bytes) => writeAll(Deno.stdout, bytes),
    reopen() {},
    close() {},
  };
}

/**
 * A file, appended to. `reopen` follows a rotation.
 *
 * @throws {ParleyError} when it cannot be opened
 */
export function fileSink(path: string): LogSink {
  let file = open(path);
  return {
    write: (bytes) => writeAll(file, bytes),
    reopen() {
      const next = open(path);
      file.close();
      file = next;
    },
    close: () => file.close(),
  };
}

function open(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true, create: true, mode: 0o640 });
  } catch (cause) {
    throw new ParleyError("Cannot open the access log", {
      blame: "operator",
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      mend: "name a file in a folder that exists and may be written to",
    }, { cause });
  }
}

async function writeAll(
  to: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await to.write(bytes.subarray(at));
  }
}
