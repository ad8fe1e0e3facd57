/**
 * A connection on its way to another process: what is said of it beside its
 * two descriptors. The sockets themselves notice nothing.
 *
 * @module
 */

/** One socket. */
export interface MovedSide {
  /** Bytes that the system has not taken yet. */
  readonly queued: Uint8Array;
  /** It is half-closed once they have left. */
  readonly ending: boolean;
  /** Its peer sends no more. */
  readonly readEnded: boolean;
  /** It is half-closed. */
  readonly writeDone: boolean;
}

/** Both. */
export interface MovedPair {
  readonly client: MovedSide;
  readonly upstream: MovedSide;
  /** Milliseconds since a byte moved. */
  readonly idle: number;
}

/** A session that can go on in another process. */
export interface Movable {
  /**
   * What the next process has to know, as plain data (see `toPlain`); nothing:
   * this is no moment for it. Then the session is fed nothing until `stay`.
   */
  suspend(): unknown;
  /** It goes on here: after all, or from another process. */
  stay(): void;
  /** It goes on elsewhere. */
  moved(): void;
}
