/**
 * Java programs, with all that they need, from Maven's repository.
 *
 * @module
 */
import { cached } from "./cache.ts";
import { onPath, output, type Tool } from "./tool.ts";

/** What Maven calls a program. */
export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

/** `java` with an artifact, all that it needs, and what it may use, on its class path. @throws when it cannot be had */
export async function javaWith(
  artifact: Artifact,
  optional: readonly Artifact[] = [],
): Promise<Tool> {
  const java = onPath("java");
  const maven = onPath("mvn");
  if (!java || !maven) {
    throw new Error(`${java ? "mvn" : "java"} is not on PATH`);
  }
  const { name, version } = artifact;
  const folder = await cached(`${name}-${version}`, async (draft) => {
    console.error(`tests/setup: fetching ${name} ${version} with Maven …`);
    const project = await Deno.makeTempDir({ prefix: "parley-setup-" });
    try {
      await Deno.writeTextFile(
        `${project}/pom.xml`,
        dependingOn([artifact, ...optional]),
      );
      await output(maven, [
        "--quiet",
        "--batch-mode",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        `-DoutputDirectory=${draft}`,
      ], { cwd: project });
    } finally {
      await Deno.remove(project, { recursive: true });
    }
  });
  return { kind: "tool", command: java, env: { CLASSPATH: `${folder}/*` } };
}

/** A project that is nothing but its dependencies. */
function dependingOn(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(({ group, name, version }) =>
    `    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${name}</artifactId>
      <version>${version}</version>
    </dependency>
`
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>parley</groupId>
  <artifactId>tests</artifactId>
  <version>1</version>
  <dependencies>
${dependencies.join("")}  </dependencies>
</project>
`;
}
