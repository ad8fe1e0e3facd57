/**
 * What is wrong with a request before its body is read: its header, at this
 * point of the connection.
 *
 * @module
 */
import type { Header } from "./header.ts";
import type { State } from "./state.ts";
import { COMPRESSED, FRAME_MAX, NEWEST, OLDEST, SEGMENTED } from "./wire.ts";

/** Why a connection fails. */
export interface Fault {
  /** The log's `reason`. */
  readonly code: string;
  /** What the client is told. Holds no bytes of its own. */
  readonly message: string;
}

/** Whether a version is one that is read here. */
export function isSpoken(version: number): boolean {
  return version >= OLDEST && version <= NEWEST;
}

/** What is wrong with a header, if anything is. Its version must be one that {@linkcode isSpoken}. */
export function faultOf(header: Header, state: State): Fault | undefined {
  const { version, stream, length, flags } = header;
  const { phase, version: settled, compression } = state;
  if (phase === "starting" && changesFraming(state)) {
    return {
      code: "startup",
      message: "STARTUP is not answered: its answer says how to go on",
    };
  }
  if (phase === "refused") {
    return { code: "startup", message: "the server has refused STARTUP" };
  }
  if (settled !== 0 && version !== settled) {
    return {
      code: "version",
      message:
        `invalid message version ${version}: earlier messages on this connection have ${settled}`,
    };
  }
  if (length < 0 || length > FRAME_MAX) {
    return { code: "frame-length", message: "a frame is limited to 256 MB" };
  }
  if (flags & COMPRESSED && version < SEGMENTED && compression === "") {
    return {
      code: "compression",
      message: `no compression was agreed on, on stream ${stream}`,
    };
  }
  return undefined;
}

/** Whether frames look otherwise once STARTUP is accepted. */
function changesFraming({ startup }: State): boolean {
  return startup.version >= SEGMENTED || startup.compression !== "";
}
