/**
 * `parley policies`: those that are in force, and those that were put in.
 *
 * @module
 */
import type { PolicyState } from "../proxy/policy_history.ts";
import type { PolicyText, StoredPolicy } from "../proxy/administered.ts";
import { POLICY_NAME } from "../proxy/policy_shelf.ts";
import { escapeLines } from "../policy/problem.ts";
import {
  exchange,
  needSidecar,
  problemOf,
  refusal,
  type SidecarAddress,
  type SidecarOption,
} from "./admin_client.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";
import { tableLines } from "./table.ts";

/** What these commands have in common. */
export interface PoliciesOption extends SidecarOption {
  readonly json?: boolean;
}

/** What a change depends on. */
export interface ChangeOption extends PoliciesOption {
  /** The entity tag of what is to be changed, with its quotes or without. */
  readonly ifMatch?: string;
}

/** What the sidecar answers. */
interface Policies {
  readonly policy: PolicyState;
  readonly stored: readonly StoredPolicy[];
}

interface Changed {
  readonly etag: string;
  readonly version: number;
  readonly documents: PolicyState["documents"];
}

/** Lists policy documents, and under which name they were put in; 1 if one is not in force as it is written. */
export async function list(
  { json = false, ...option }: PoliciesOption,
): Promise<number> {
  const sidecar = await needSidecar(option);
  const response = await done(sidecar, "GET", "/v1/policies");
  const answer: Policies = await response.json();
  if (json) console.log(JSON.stringify(answer, null, 2));
  else for (const line of tableLines(rowsOf(answer))) console.log(line);
  const { documents, error } = answer.policy;
  const isAsWritten = error === undefined &&
    documents.every(({ status }) => status === "applied");
  return isAsWritten ? 0 : EXIT_FAILED;
}

function rowsOf({ policy, stored }: Policies): string[][] {
  const byFile = new Map(stored.map((one) => [one.file, one]));
  return [
    ["NAME", "ETAG", "DOCUMENT", "STATE", "SINCE", "FROM"],
    ...policy.documents.map(({ id, status, since, file, problems, partly }) => {
      const put = byFile.get(file);
      return [
        put?.name ?? "-",
        put ? bare(put.etag) : "-",
        id,
        status,
        since,
        [file, ...problems, ...partly].join("; "),
      ];
    }),
  ];
}

/** Prints the text of a policy that was put in. */
export async function get(
  name: string,
  { json = false, ...option }: PoliciesOption,
): Promise<number> {
  const path = pathOf(name);
  const sidecar = await needSidecar(option);
  const response = await done(sidecar, "GET", path);
  const text = await response.text();
  if (json) {
    const etag = response.headers.get("etag") ?? "";
    const policy: PolicyText = { name, etag, text };
    console.log(JSON.stringify(policy, null, 2));
  } else {
    await new Blob([text]).stream()
      .pipeTo(Deno.stdout.writable, { preventClose: true });
  }
  return 0;
}

/** Puts a policy in, `-` from standard input; 1 and its problems if it is refused. */
export async function put(
  name: string,
  file: string,
  { json = false, create = false, ifMatch, ...option }: ChangeOption & {
    readonly create?: boolean;
  },
): Promise<number> {
  if (create && ifMatch !== undefined) {
    throw new UsageError(
      "--create is for a policy that is not there, --if-match for one that is; give one",
    );
  }
  const path = pathOf(name);
  const body = file === "-"
    ? await new Response(Deno.stdin.readable).text()
    : await readFile(file);
  const sidecar = await needSidecar(option);
  const response = await exchange(sidecar, "PUT", path, {
    text: body,
    headers: {
      "content-type": "application/yaml",
      ...conditionOf(ifMatch),
      ...(create ? { "if-none-match": "*" } : {}),
    },
  });
  if (!response.ok) return await refused(sidecar, response, "PUT", name);
  const answer: Changed = await response.json();
  if (json) console.log(JSON.stringify(answer, null, 2));
  else console.log(outcome(name, response.status === 201, answer));
  return 0;
}

function outcome(
  name: string,
  isNew: boolean,
  { etag, version, documents }: Changed,
): string {
  const ids = documents.map(({ id }) => id).join(", ");
  return escapeLines(
    `${isNew ? "created" : "replaced"} ${name} (${
      bare(etag)
    }): policy version ${version} is in force, with ${ids}`,
  );
}

/** Removes a policy that was put in. */
export async function remove(
  name: string,
  { json = false, ifMatch, ...option }: ChangeOption,
): Promise<number> {
  const path = pathOf(name);
  const sidecar = await needSidecar(option);
  const headers = conditionOf(ifMatch);
  const response = await exchange(sidecar, "DELETE", path, { headers });
  if (!response.ok) return await refused(sidecar, response, "DELETE", name);
  console.log(
    json ? JSON.stringify({ name, deleted: true }) : `deleted ${name}`,
  );
  return 0;
}

function pathOf(name: string): string {
  if (POLICY_NAME.test(name)) return `/v1/policies/${name}`;
  throw new UsageError(
    `${
      JSON.stringify(name)
    } is no name of a policy; use at most 63 lower-case letters, digits, '-' and '.', a letter or digit at both ends`,
  );
}

/** Shells take quotes away, and nobody sees why. */
function conditionOf(etag: string | undefined): Record<string, string> {
  if (etag === undefined) return {};
  if (!/^"?[!#-~]+"?$/.test(etag)) {
    throw new UsageError(
      `--if-match ${
        JSON.stringify(etag)
      } is no entity tag; parley policies list shows those of what is there`,
    );
  }
  return { "if-match": etag === "*" ? etag : `"${bare(etag)}"` };
}

function bare(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}

async function done(
  sidecar: SidecarAddress,
  method: "GET",
  path: string,
): Promise<Response> {
  const response = await exchange(sidecar, method, path, {});
  if (response.ok) return response;
  throw refusal(`${method} ${path}`, await problemOf(sidecar, response));
}

/** Says why nothing was changed. @throws {Error} where it is not for the policy */
async function refused(
  sidecar: SidecarAddress,
  response: Response,
  method: string,
  name: string,
): Promise<number> {
  const problem = await problemOf(sidecar, response);
  if (response.status === 422) {
    // As `parley check` prints them.
    console.error(escapeLines(problem.detail));
    return EXIT_FAILED;
  }
  if (response.status !== 412) {
    throw refusal(`${method} /v1/policies/${name}`, problem);
  }
  const etag = response.headers.get("etag");
  console.error(
    etag === null
      ? `parley: there is no policy ${name}: leave --if-match out to create it`
      : `parley: nothing was changed: the policy ${name} is there as ${
        bare(etag)
      }; see it with parley policies get ${name}, then change it with --if-match ${
        bare(etag)
      }`,
  );
  return EXIT_FAILED;
}
