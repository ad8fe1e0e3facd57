/** Whom an HTTPS server takes, by real clients of several addresses. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { get } from "node:https";
import { connect, type Socket } from "node:net";
import { poll } from "../tests/e2e/wait.ts";
import { HttpsServer } from "./https_server.ts";
import { createGeneration } from "./webhook/certificate.ts";

Deno.test("an address that has its part of the connections gets no more until it lets go of one", async () => {
  const certificate = await createGeneration(["127.0.0.1"], 3_600_000);
  const full: (string | undefined)[] = [];
  const server = await HttpsServer.listen({
    hostname: "127.0.0.1",
    port: 0,
    certificate,
    connections: 100,
    connectionsOfOne: 2,
    serve(_, response) {
      response.writeHead(200, { connection: "close" }).end();
      return Promise.resolve();
    },
    full: (address) => full.push(address),
  });
  const { port } = server;
  const { ca } = certificate;
  /** The status of an answer; nothing if there is none. */
  const ask = (localAddress: string) =>
    new Promise<number | undefined>((resolve) => {
      get({ host: "127.0.0.1", port, localAddress, ca }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      }).on("error", () => resolve(undefined));
    });
  const held: Socket[] = [];
  const hold = async (localAddress: string) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.on("error", () => {}); // it closes then
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    held.push(socket);
  };
  try {
    await hold("127.0.0.2");
    await hold("127.0.0.2");
    assertEquals(await ask("127.0.0.2"), undefined);
    assertEquals(full, ["127.0.0.2"]);
    assertEquals(await ask("127.0.0.3"), 200);
    held[0]!.destroy();
    await poll(() => ask("127.0.0.2"), () => "answer");
  } finally {
    for (const socket of held) socket.destroy();
    await server.close(0);
  }
});
