/**
 * How a connection stands with the policy: who its peer is, what it is granted,
 * and what is decided about its requests.
 *
 * @module
 */
import type { Decision, ParserDefinition } from "parley/proxylib";
import type { Access, Peer } from "../../policy/mod.ts";
import { createJudge, grantOf, type Judge } from "../matcher.ts";
import type { Accepted } from "../transport/transport.ts";
import type { Route, SessionContext } from "./context.ts";

export class Standing {
  readonly #context: SessionContext;
  readonly #route: Route;
  readonly #address: string;
  #peer: Peer;
  #access: Access;
  /** Made when a request is first judged. */
  #judge: Judge | undefined;

  constructor(context: SessionContext, route: Route, accepted: Accepted) {
    this.#context = context;
    this.#route = route;
    this.#address = peerAddress(context, route, accepted);
    this.#peer = context.peerOf(this.#address);
    this.#access = this.#resolve();
  }

  /** Another policy, or other identities, are in force. */
  judgeAgain(): void {
    this.#peer = this.#context.peerOf(this.#address);
    this.#access = this.#resolve();
    this.#judge = undefined;
  }

  #resolve(): Access {
    const { subject, port } = this.#route;
    const { direction, policy } = this.#context;
    return policy().resolve({ subject, direction, port, peer: this.#peer });
  }

  /** Whose identity the policy asks for. */
  get peer(): Peer {
    return this.#peer;
  }

  get access(): Access {
    return this.#access;
  }

  /** What the bytes are to be read as: by the policy, or where it names nothing. */
  get proto(): string | undefined {
    const { mode, l7proto } = this.#context;
    return grantOf(this.#access, mode).proto ?? l7proto;
  }

  /** Decides about a request, as the parser that read it describes it. */
  decide(definition: ParserDefinition, request: unknown): Decision {
    this.#judge ??= createJudge(definition, this.#access, this.#context.mode);
    return this.#judge(request);
  }

  /** Requests come by another version of the parser, or none came for a while. */
  rest(): void {
    this.#judge = undefined;
  }
}

/** The source at ingress, the upstream at egress. */
function peerAddress(
  { direction }: SessionContext,
  { upstream }: Route,
  accepted: Accepted,
): string {
  if (direction === "ingress") return accepted.source.hostname;
  return upstream.transport === "tcp" ? upstream.hostname : "";
}
