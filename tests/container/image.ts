/**
 * Builds images with buildah, in a store of their own.
 *
 * @module
 */

/** What the base image gets of busybox. */
const APPLETS = ["sh", "id", "find", "cat", "sleep", "timeout", "ip"];

/** Why no image can be built here; `undefined` if one can. */
export async function missingTool(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "images are built on Linux only";
  for (const tool of ["buildah", "busybox", "ldd"]) {
    if (!await which(tool)) return `${tool} is not installed`;
  }
  return undefined;
}

async function which(tool: string): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", `command -v ${tool}`],
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

/** A built image and a container of it. */
export class Image implements AsyncDisposable {
  readonly #folder: string;
  readonly #name = "localhost/parley-test";
  #container = "";

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Builds the Containerfile of `root` on a base that is made first. */
  static async build(root: string): Promise<Image> {
    const image = new Image(
      await Deno.makeTempDir({ prefix: "parley-image-" }),
    );
    try {
      await image.#makeBase();
      await image.#buildah(
        ["bud", "--isolation", "chroot", "--build-arg", "BASE=localhost/base"],
        ["--tag", image.#name, "--file", `${root}/Containerfile`, root],
      );
      image.#container = await image.#buildah(["from", image.#name]);
      return image;
    } catch (error) {
      await image[Symbol.asyncDispose]();
      throw error;
    }
  }

  async configuredUser(): Promise<string> {
    return await this.#inspect("{{.OCIv1.Config.User}}");
  }

  async entrypoint(): Promise<string[]> {
    const words = await this.#inspect(
      "{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}",
    );
    return words.split("\n");
  }

  async label(name: string): Promise<string> {
    return await this.#inspect(`{{index .OCIv1.Config.Labels "${name}"}}`);
  }

  /** Runs a command as the image's user; its standard output. */
  async run(command: readonly string[]): Promise<string> {
    return await this.#buildah(
      ["run", "--isolation", "chroot", this.#container, "--"],
      command,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container) await this.#buildah(["rm", "--all"]);
    await this.#buildah(["rmi", "--all", "--force"]);
    await Deno.remove(this.#folder, { recursive: true });
  }

  #inspect(format: string): Promise<string> {
    return this.#buildah(["inspect", "--type", "image", "--format", format], [
      this.#name,
    ]);
  }

  async #makeBase(): Promise<void> {
    const root = `${this.#folder}/base/root`;
    await Deno.mkdir(`${root}/bin`, { recursive: true });
    await Deno.mkdir(`${root}/tmp`);
    await Deno.chmod(`${root}/tmp`, 0o1777); // as in any base image
    await Deno.copyFile(Deno.execPath(), `${root}/bin/deno`);
    await Deno.copyFile((await which("busybox"))!, `${root}/bin/busybox`);
    for (const name of APPLETS) {
      await Deno.symlink("busybox", `${root}/bin/${name}`);
    }
    // What it does is not this test's matter; that it is there is the base's.
    await Deno.writeTextFile(`${root}/bin/nft`, "#!/bin/sh\n", { mode: 0o755 });
    for (const file of await libraries(Deno.execPath())) {
      await copyInto(root, file);
    }
    const variables = await trust(root);
    await Deno.writeTextFile(
      `${this.#folder}/base/Containerfile`,
      `FROM scratch\nCOPY root/ /\nENV PATH=/bin ${variables}\n`,
    );
    await this.#buildah(
      ["bud", "--isolation", "chroot", "--tag", "localhost/base"],
      [`${this.#folder}/base`],
    );
  }

  async #buildah(...args: readonly (readonly string[])[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("buildah", {
      args: [
        ...[
          "--root",
          `${this.#folder}/store`,
          "--runroot",
          `${this.#folder}/run`,
        ],
        ...["--storage-driver", "vfs"],
        ...args.flat(),
      ],
    }).output();
    const text = new TextDecoder();
    if (success) return text.decode(stdout).trim();
    throw new Error(`buildah ${args.flat().join(" ")}: ${text.decode(stderr)}`);
  }
}

/** Shared libraries of a program, and the loader. */
async function libraries(program: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ldd", { args: [program] })
    .output();
  const found = new TextDecoder().decode(stdout).matchAll(/(\/\S+) \(0x/g);
  return [...found].map(([, file]) => file!);
}

async function copyInto(root: string, file: string): Promise<void> {
  const target = root + file;
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
    recursive: true,
  });
  await Deno.copyFile(await Deno.realPath(file), target);
}

/** Certificates that this machine was told to trust: packages are fetched in the build. */
async function trust(root: string): Promise<string> {
  const file = Deno.env.get("SSL_CERT_FILE") ??
    "/etc/ssl/certs/ca-certificates.crt";
  const there = await Deno.stat(file).catch(() => undefined);
  if (!there) return "";
  await Deno.mkdir(`${root}/etc/ssl`, { recursive: true });
  await Deno.copyFile(file, `${root}/etc/ssl/trusted.pem`);
  return "DENO_CERT=/etc/ssl/trusted.pem";
}
