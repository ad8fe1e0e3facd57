/**
 * A container's manifest as podman's arguments. What Kubernetes leaves to the
 * runtime is left to it here, too.
 *
 * @module
 */
import { readMemory } from "../../kube/inject/quantity.ts";
import type { Container } from "./manifest.ts";

/** What comes before the image's name; `volumes` are folders by volume. */
export function containerOptions(
  container: Container,
  volumes: ReadonlyMap<string, string>,
): string[] {
  const { env, workingDir, resources, volumeMounts, command } = container;
  const memory = resources?.limits?.memory;
  return [
    ...security(container),
    ...(memory === undefined ? [] : ["--memory", `${readMemory(memory)}b`]),
    ...(env ?? []).flatMap(({ name, value }) => ["--env", `${name}=${value}`]),
    ...(workingDir ? ["--workdir", workingDir] : []),
    ...(volumeMounts ?? []).flatMap(({ name, mountPath, readOnly }) => [
      "--volume",
      `${volumes.get(name)}:${mountPath}${readOnly ? ":ro" : ""}`,
    ]),
    ...(command ? ["--entrypoint", JSON.stringify(command)] : []),
  ];
}

function security({ securityContext = {} }: Container): string[] {
  const {
    allowPrivilegeEscalation = true,
    capabilities,
    readOnlyRootFilesystem = false,
    runAsUser,
    runAsGroup,
    seccompProfile,
  } = securityContext;
  const group = runAsGroup === undefined ? "" : `:${runAsGroup}`;
  return [
    ...(runAsUser === undefined ? [] : ["--user", `${runAsUser}${group}`]),
    ...(capabilities?.drop ?? []).flatMap((name) => ["--cap-drop", name]),
    ...(capabilities?.add ?? []).flatMap((name) => ["--cap-add", name]),
    // podman would put folders in memory where a root is read-only.
    ...(readOnlyRootFilesystem
      ? ["--read-only", "--read-only-tmpfs=false"]
      : []),
    ...(allowPrivilegeEscalation
      ? []
      : ["--security-opt", "no-new-privileges"]),
    // The runtime's own filter is podman's default, and not Kubernetes'.
    ...(seccompProfile?.type === "RuntimeDefault"
      ? []
      : ["--security-opt", "seccomp=unconfined"]),
  ];
}
