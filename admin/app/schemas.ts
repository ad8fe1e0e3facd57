/**
 * Shapes that several answers have.
 *
 * @module
 */
import { z } from "zod";

export const time = z.iso.datetime({ precision: 3 })
  .describe("RFC 3339, in UTC");

export const direction = z.enum(["ingress", "egress"]);

export const count = z.int().min(0);

/** A problem document (RFC 9457); the status is its own. */
export const problem = z.looseObject({
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe("what was found, and how to mend it"),
}).meta({ id: "Problem", description: "RFC 9457; type is about:blank" });

export const listenerState = z.strictObject({
  name: z.string(),
  direction,
  state: z.enum(["up", "down"]),
  address: z.string().optional().describe("host:port that is bound"),
  l7proto: z.string().optional()
    .describe("the parser where no policy names one"),
  error: z.string().optional()
    .describe("why it is not as it is configured"),
}).meta({ id: "Listener" });

export const documentState = z.strictObject({
  id: z.string().describe("[namespace/]name, as rule references begin"),
  file: z.string(),
  kind: z.string(),
  name: z.string(),
  status: z.enum(["applied", "kept-last-good", "refused"]),
  problems: z.array(z.string()),
  partly: z.array(z.string())
    .describe("what a sidecar cannot enforce of it"),
  since: time,
}).meta({ id: "PolicyDocument" });

export const policyState = z.strictObject({
  version: z.int().min(0),
  since: time,
  documents: z.array(documentState),
  problems: z.array(z.string())
    .describe("of all files, those too that hold no document"),
  error: z.string().optional()
    .describe("why the files could not be read when this was tried last"),
}).meta({ id: "Policy" });

const versionState = z.strictObject({
  version: z.string(),
  hash: z.string().optional().describe("SHA-256 of its files, in hex"),
  state: z.enum(["serving", "former", "refused", "idle"]),
  since: time.optional(),
  connections: count,
  panics: count,
  refused: z.string().optional().describe("why it was refused"),
}).meta({ id: "ParserVersion" });

export const parserState = z.strictObject({
  name: z.string(),
  file: z.string(),
  builtIn: z.boolean(),
  version: z.string().optional().describe("of new connections"),
  idle: z.string().optional()
    .describe("the version that serves as soon as somebody names the parser"),
  description: z.string().optional(),
  refused: z.string().optional()
    .describe("why the newest content does not serve"),
  versions: z.array(versionState).describe("the newest first"),
}).meta({ id: "Parser" });

export const sourceState = z.strictObject({
  name: z.string(),
  state: z.enum(["starting", "live", "stale"]),
  ageMs: z.number().optional()
    .describe("since what it knows was last known to be true"),
  error: z.string().optional().describe("why it is not live"),
}).meta({ id: "IdentitySource" });
