/**
 * What the supervisor, its data workers and its checkers tell each other.
 *
 * @module
 */
import type {
  Access,
  L7Rule,
  Problem,
  ReadingOptions,
  Source,
  Subject,
} from "../../policy/mod.ts";
import type { Lease } from "../../policy/dns_cache.ts";
import type { L7Schema } from "../../policy/json_schema.ts";
import type { StoredDocument } from "../../policy/stored.ts";
import type { Decision, Fields, FieldTexts } from "../../proxylib/mod.ts";
import type {
  ConnectionFilter,
  ConnectionList,
  Which,
} from "../administered.ts";
import type { KeptLine } from "../accesslog/last_lines.ts";
import type { LineFilter } from "../accesslog/line_filter.ts";
import type { ListenerConfig } from "../config/mod.ts";
import type { Count } from "../counting/tally.ts";
import type { DataConfig } from "../data_config.ts";
import type { Coverage, Mode } from "../matcher.ts";
import type { JudgedDocument } from "../policy_history.ts";
import type { Unguarded } from "../unguarded.ts";
import type { VersionCount } from "../versions.ts";

/** A version of a parser: its author's file, and the folder of what was staged of it. */
export interface ParserVersion {
  readonly name: string;
  /** The first characters of its content hash. */
  readonly version: string;
  /** The author's parsers folder, and the entry module's path in it. */
  readonly folder: string;
  readonly entry: string;
  /** The snapshot's folder. */
  readonly snapshot: string;
}

/** A version that serves, or did. */
export interface PublishedVersion extends ParserVersion {
  /** Unique in the sidecar, from 1 on. */
  readonly number: number;
}

/** Parsers and policy of one moment. */
export interface Published {
  readonly parsers: readonly PublishedVersion[];
  /** One document each; all of them are good, and agree. */
  readonly documents: readonly StoredDocument[];
}

/** From the supervisor to a data worker. With `listen`, `log`, `copy-log`, `hand-over` and `take-over` a descriptor comes. */
export type ToWorker =
  | { readonly type: "configure"; readonly config: DataConfig }
  /** The access log goes to this descriptor from now on. */
  | { readonly type: "log" }
  /** Lines that fit the filter go to this one too, for a group of those who follow. */
  | {
    readonly type: "copy-log";
    readonly group: number;
    readonly filter: LineFilter;
  }
  /** No more. */
  | { readonly type: "end-copy"; readonly group: number }
  /** Addresses of upstreams that are configured by name. */
  | {
    readonly type: "names";
    readonly addresses: Readonly<Record<string, readonly string[]>>;
  }
  /** DNS names and the addresses that they lead to. */
  | { readonly type: "learn"; readonly leases: readonly Lease[] }
  /** What counted until then (milliseconds since the epoch) counts no longer, but for connections. */
  | { readonly type: "expire"; readonly until: number }
  /** With a configuration, where the policy is in force only together with that. */
  | {
    readonly type: "publish";
    readonly published: Published;
    readonly config?: DataConfig;
  }
  /** Accept at this socket. */
  | { readonly type: "listen"; readonly listener: ListenerConfig }
  /** Accept no more there; its connections go on. */
  | { readonly type: "unlisten"; readonly name: string }
  /** Accept no more, give connections to the process at the other end, let the rest finish within so many milliseconds, then end. */
  | { readonly type: "hand-over"; readonly within: number }
  /** Take over connections from the process at the other end. */
  | { readonly type: "take-over" }
  /** Accept no more, let connections finish within so many milliseconds, then end. */
  | { readonly type: "drain"; readonly within: number }
  /** Answer: the counters go before the answer. */
  | {
    readonly type: "ask";
    readonly id: number;
    readonly question: WorkerQuestion;
  }
  /** Memory is short: find who takes it. */
  | { readonly type: "relieve" }
  /** Say so when all orders before this one are carried out. */
  | { readonly type: "sync"; readonly id: number };

/** From a data worker to the supervisor. */
export type FromWorker =
  /** The worker waits for its orders; `missing` names walls of the sandbox that this system lacks. */
  | { readonly type: "started"; readonly missing: readonly string[] }
  | { readonly type: "synced"; readonly id: number }
  | {
    readonly type: "answer";
    readonly id: number;
    readonly answer: WorkerAnswers[WorkerQuestion["about"]];
  }
  /** What the operator should know. */
  | { readonly type: "warn"; readonly message: string }
  | { readonly type: "counters"; readonly counters: Counters }
  /** A version that has not served here has panicked on a connection. */
  | { readonly type: "panicked"; readonly version: number };

/** Between two data workers, from the one that hands over. Before `connection` the client's descriptor comes with `client`, with it the upstream's. */
export type ToSuccessor =
  | { readonly type: "client" }
  | {
    readonly type: "connection";
    /** Counts the connections that are offered. */
    readonly number: number;
    readonly listener: string;
    /** A `MovedPair` and a `MovedSession`, as `toPlain` writes them. */
    readonly pair: unknown;
    readonly session: unknown;
  };

/** The answer: the connection goes on there, or it does not and why. */
export interface ToPredecessor {
  readonly number: number;
  readonly refused?: string;
}

/** What a worker is asked, on behalf of the operator. */
export type WorkerQuestion =
  /** Nothing but its counters. */
  | { readonly about: "counters" }
  /** Its oldest connections of those that are meant. */
  | { readonly about: "connections"; readonly filter: ConnectionFilter }
  /** The last lines that it has logged. */
  | { readonly about: "lines" }
  /** Connections to end. */
  | { readonly about: "close"; readonly which: Which };

/** What it answers. */
export interface WorkerAnswers {
  readonly counters: null;
  readonly connections: ConnectionList;
  readonly lines: readonly KeptLine[];
  /** How many it has ended. */
  readonly close: number;
}

/** Of one worker, since it started. */
export interface Counters {
  /** Open now. */
  readonly connections: number;
  /** Ever accepted. */
  readonly accepted: number;
  /** Lines of the access log that were dropped. */
  readonly linesDropped: number;
  /** Versions of parsers that read connections, or had panics. */
  readonly versions: readonly VersionCount[];
  /** Numbers of the versions under which a reply has passed; see {@linkcode PublishedVersion}. */
  readonly served: readonly number[];
  /** What has passed. */
  readonly traffic: readonly Count[];
  /** Milliseconds that its event loop was late at most, in the last second or two. */
  readonly lag: number;
}

/** Texts of a folder's modules, by their paths in it. */
export type FolderTexts = Readonly<Record<string, string>>;

/** A parser to stage. */
export type ToStage = Pick<ParserVersion, "name" | "folder" | "entry">;

/** What became of it: staged modules by path, or why not. */
export interface StagedParser {
  readonly name: string;
  readonly files?: FolderTexts;
  readonly error?: string;
}

/** What is to be judged together: versions of parsers, and policy documents. */
export interface Candidates {
  /** The newest version of each parser, and the one that serves if it is another. */
  readonly parsers: readonly {
    readonly name: string;
    readonly newest?: ParserVersion;
    readonly serving?: ParserVersion;
  }[];
  /** In force now. */
  readonly documents: readonly StoredDocument[];
  /** The policy files as they are; absent if they could not be read. */
  readonly sources?: readonly Source[];
  readonly subjects: readonly Subject[];
  readonly options: ReadingOptions;
  readonly listeners: readonly Pick<ListenerConfig, "name" | "direction">[];
}

/** How the candidates were found. */
export interface Judgement {
  readonly parsers: readonly {
    readonly name: string;
    /** The version to serve; absent if none loads. */
    readonly serving?: ParserVersion;
    /** What the parser says of itself. */
    readonly description?: string;
    /** Why the newest one does not. */
    readonly refused?: string;
  }[];
  readonly policy: {
    /** The documents to be in force. */
    readonly documents: readonly StoredDocument[];
    /** Absent where no file was read. */
    readonly judged?: readonly JudgedDocument[];
    readonly problems: readonly Problem[];
    /** Something that was written is not in force in any version. */
    readonly refused: boolean;
  };
  /** Listeners whose workload no policy selects. */
  readonly unguarded: readonly Unguarded[];
}

/** What commands ask about one parser; only its own code knows. */
export type Question =
  /** What its rules look like. */
  | { readonly type: "rules" }
  /** How a connection of this access judges a request, and what each of these rules says of it. */
  | {
    readonly type: "request";
    readonly given: FieldTexts;
    readonly mode: Mode;
    /** Absent: the connection is denied, and no request is read. */
    readonly access?: Access;
    readonly rules: readonly L7Rule[];
  }
  /** How a connection of this access judges recorded requests. */
  | {
    readonly type: "requests";
    readonly access: Access;
    readonly given: readonly FieldTexts[];
  }
  /** Whether a vector holds: one line of a vectors file. */
  | { readonly type: "vector"; readonly line: string }
  /** Which of a file's vectors is the first that does not hold. */
  | { readonly type: "vectors"; readonly file: string; readonly text: string };

/** The answers, by the question. All of them are plain data. */
export interface Answers {
  readonly rules: {
    readonly description: string;
    /** JSON Schema of one rule. */
    readonly rule: L7Schema["rule"];
  };
  /** In the order of the requests. */
  readonly requests: readonly (Decision | { readonly wrong: string })[];
  readonly request:
    | {
      readonly fields: Fields;
      /** Absent when no request is read. */
      readonly decision?: Decision;
      /** In the order of the rules. */
      readonly coverage: readonly Coverage[];
    }
    /** The fields make no request; why, and what to do. */
    | { readonly wrong: string }
    /** The parser threw as it was to judge. */
    | { readonly panic: string };
  /** What is not as the vector has it; nothing if it holds. */
  readonly vector: readonly string[];
  /** Its name and what is not as it has it; `null`: all hold. */
  readonly vectors: string | null;
}

/** From the supervisor to a checker. */
export type ToChecker =
  | {
    readonly type: "stage";
    readonly parsers: readonly ToStage[];
    readonly folders: Readonly<Record<string, FolderTexts>>;
  }
  | { readonly type: "judge"; readonly candidates: Candidates }
  | {
    readonly type: "ask";
    readonly parser: ParserVersion;
    readonly question: Question;
  };

/** From a checker to the supervisor. */
export type FromChecker =
  | { readonly type: "started"; readonly missing: readonly string[] }
  | { readonly type: "staged"; readonly parsers: readonly StagedParser[] }
  | { readonly type: "judged"; readonly judgement: Judgement }
  | {
    readonly type: "answered";
    readonly answer: Answers[Question["type"]];
  };
