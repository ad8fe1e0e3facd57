/**
 * What a connection remembers.
 *
 * @module
 */
import type { Compression } from "./body.ts";
import { type Sent, Streams } from "./streams.ts";

/** All of it, as plain data. */
export interface Snapshot {
  readonly phase: "open" | "starting" | "ready" | "refused";
  readonly startup: Startup;
  readonly version: number;
  readonly compression: Compression;
  readonly isSegmented: boolean;
  readonly keyspaces: readonly string[];
  readonly streams: readonly (readonly [number, Sent])[];
  readonly isInDoubt: boolean;
  readonly requestRest: number;
  readonly requestRestPasses: boolean;
  readonly replyRest: number;
  readonly held: readonly string[];
}

/** What STARTUP asked for. */
export interface Startup {
  readonly stream: number;
  readonly version: number;
  readonly compression: string;
}

/** The state of a connection. Calls never overlap. */
export class State {
  /**
   * `open`: before STARTUP; `starting`: until it is answered; `ready`: behind
   * READY or AUTHENTICATE; `refused`: the server's answer was another.
   */
  phase: Snapshot["phase"] = "open";
  startup: Startup = { stream: 0, version: 0, compression: "" };
  /** That of all frames from now on; 0 until STARTUP is accepted. */
  version = 0;
  compression: Compression = "";
  /** Frames travel in segments. */
  isSegmented = false;
  /** The session's keyspace, as the server has accepted it; several when it is in doubt which was accepted last. */
  keyspaces: readonly string[] = [];
  streams = new Streams();
  /** Bytes still to come, in segments, of a request that is decided. */
  requestRest = 0;
  requestRestPasses = false;
  /** The same of a reply. */
  replyRest = 0;
  /** Answers of ours that wait for the end of that reply: `latin1` texts. */
  held: string[] = [];

  /** @param saved what {@linkcode save} gave */
  constructor(saved?: Snapshot) {
    if (!saved) return;
    const { streams, isInDoubt, held, ...rest } = saved;
    Object.assign(this, rest);
    this.streams = new Streams(streams, isInDoubt);
    this.held = [...held];
  }

  save(): Snapshot {
    return {
      phase: this.phase,
      startup: { ...this.startup },
      version: this.version,
      compression: this.compression,
      isSegmented: this.isSegmented,
      keyspaces: [...this.keyspaces],
      streams: this.streams.toArray(),
      isInDoubt: this.streams.isInDoubt,
      requestRest: this.requestRest,
      requestRestPasses: this.requestRestPasses,
      replyRest: this.replyRest,
      held: [...this.held],
    };
  }
}

/** Whether another version's memory has the form of this one's. */
export function isSnapshot(state: unknown): state is Snapshot {
  if (typeof state !== "object" || state === null) return false;
  return formOf(state) === formOf(new State().save());
}

/** Names and kinds of its members. */
function formOf(state: object): string {
  return Object.entries(state).map(([name, value]) =>
    `${name}: ${Array.isArray(value) ? "list" : typeof value}`
  ).sort().join(", ");
}
