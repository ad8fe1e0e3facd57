/**
 * Leaves out of `deno.json` and `deno.lock` what only tests import. Run where an
 * image is made: at each start Deno wants every package that is named there, so
 * that what nobody needs would have to be carried along.
 *
 * @module
 */

/** Names of imports. */
const TESTS_ONLY = [
  "@seriousme/openapi-schema-validator",
  "ajv",
  "axe-core",
  "cassandra-driver",
  "fast-check",
  "fast-check/itself",
  "memcached",
  "memjs",
  "playwright-core",
];

/** What these files have, as far as it is read here. */
interface Manifest {
  imports: Record<string, string>;
}

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, LockedPackage>;
  workspace: { dependencies: string[] };
}

interface LockedPackage {
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** The manifest without them. */
function withoutTests({ imports, ...rest }: Manifest): Manifest {
  const kept = Object.entries(imports)
    .filter(([name]) => !TESTS_ONLY.includes(name));
  return { ...rest, imports: Object.fromEntries(kept) };
}

/** The lock of what a manifest still names, and of what that needs. */
function locked({ imports }: Manifest, lock: Lock): Lock {
  const wanted = new Set(
    Object.values(imports).filter((target) => target.startsWith("npm:")),
  );
  const specifiers = Object.entries(lock.specifiers)
    .filter(([specifier]) => wanted.has(specifier));
  const packages = new Set<string>();
  const queue = specifiers.map(([specifier, version]) =>
    `${nameOf(specifier.slice("npm:".length))}@${version}`
  );
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    if (packages.has(key)) continue;
    packages.add(key);
    const { dependencies = [], optionalDependencies = [] } = lock.npm[key]!;
    queue.push(
      ...[...dependencies, ...optionalDependencies].map((name) =>
        keyOf(lock, name)
      ),
    );
  }
  return {
    ...lock,
    specifiers: Object.fromEntries(specifiers),
    npm: Object.fromEntries(
      Object.entries(lock.npm).filter(([key]) => packages.has(key)),
    ),
    workspace: {
      dependencies: lock.workspace.dependencies
        .filter((specifier) => wanted.has(specifier)),
    },
  };
}

/** The lock names a version only where it has several. */
function keyOf({ npm }: Lock, dependency: string): string {
  if (Object.hasOwn(npm, dependency)) return dependency;
  return Object.keys(npm).find((key) => nameOf(key) === dependency)!;
}

function nameOf(specifier: string): string {
  return specifier.slice(0, specifier.lastIndexOf("@"));
}

if (import.meta.main) {
  const manifest = withoutTests(JSON.parse(Deno.readTextFileSync("deno.json")));
  const lock = locked(manifest, JSON.parse(Deno.readTextFileSync("deno.lock")));
  Deno.writeTextFileSync("deno.json", JSON.stringify(manifest, null, 2));
  Deno.writeTextFileSync("deno.lock", JSON.stringify(lock, null, 2));
}
