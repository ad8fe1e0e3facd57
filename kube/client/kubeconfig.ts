/**
 * Access by a kubeconfig file.
 *
 * @module
 */
import { parse } from "yaml";
import { z } from "zod";
import { quote } from "../../policy/problem.ts";
import { type Access, AccessError, type ReadFile, tokenIn } from "./access.ts";

const name = z.string();
const cluster = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  "certificate-authority": z.string().optional(),
  "certificate-authority-data": z.string().optional(),
});
const user = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  "client-certificate": z.string().optional(),
  "client-certificate-data": z.string().optional(),
  "client-key": z.string().optional(),
  "client-key-data": z.string().optional(),
});
const kubeconfig = z.looseObject({
  "current-context": z.string(),
  contexts: z.array(z.looseObject({
    name,
    context: z.looseObject({ cluster: name, user: name }),
  })),
  clusters: z.array(z.looseObject({ name, cluster })),
  users: z.array(z.looseObject({ name, user })),
});

/**
 * As the current context of a kubeconfig file. Programs that fetch credentials
 * (`exec`) are not run, and certificates are always checked.
 *
 * @throws {AccessError} when the file does not say what is needed
 */
export async function byKubeconfig(
  file: string,
  readFile: ReadFile,
): Promise<Access> {
  const { data, error } = kubeconfig.safeParse(parse(await readFile(file)));
  if (!data) {
    const [issue] = error.issues;
    throw new AccessError(
      `${file}: ${
        issue!.path.join(".") || "the root"
      } is not as in a kubeconfig: ${issue!.message}`,
    );
  }
  const pick = <T extends { name: string }>(
    list: readonly T[],
    name: string,
  ) => {
    const found = list.find((item) => item.name === name);
    if (found) return found;
    throw new AccessError(`${file}: nothing is named ${quote(name)}`);
  };
  const { context } = pick(data.contexts, data["current-context"]);
  const { cluster } = pick(data.clusters, context.cluster);
  const { user } = pick(data.users, context.user);
  refuseUnsafe(file, cluster, user);

  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  const at = (path: string) => path.startsWith("/") ? path : folder + path;
  const text = async (inline: string | undefined, path: string | undefined) => {
    if (inline !== undefined) return atob(inline);
    return path === undefined ? undefined : await readFile(at(path));
  };
  const ca = await text(
    cluster["certificate-authority-data"],
    cluster["certificate-authority"],
  );
  const cert = await text(
    user["client-certificate-data"],
    user["client-certificate"],
  );
  const key = await text(user["client-key-data"], user["client-key"]);
  const { token, tokenFile } = user;
  return {
    server: cluster.server.replace(/\/+$/, ""),
    ...(ca === undefined ? {} : { ca }),
    ...(tokenFile !== undefined
      ? { token: () => tokenIn(at(tokenFile), readFile) }
      : token !== undefined
      ? { token: () => Promise.resolve(token) }
      : {}),
    ...(cert !== undefined && key !== undefined
      ? { certificate: { cert, key } }
      : {}),
  };
}

/** What would be left out, or checked less, in silence. */
function refuseUnsafe(
  file: string,
  cluster: Readonly<Record<string, unknown>>,
  user: Readonly<Record<string, unknown>>,
): void {
  for (const key of ["exec", "auth-provider", "username"]) {
    if (user[key] === undefined) continue;
    throw new AccessError(
      `${file}: the user has ${key}, which is not read here: use a token or a client certificate`,
    );
  }
  if (cluster["insecure-skip-tls-verify"]) {
    throw new AccessError(
      `${file}: the cluster has insecure-skip-tls-verify: name its certificate-authority instead`,
    );
  }
}
