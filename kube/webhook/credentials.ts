/**
 * When the webhook's certificate is replaced, so that at every moment what is
 * served is signed by an authority that the API server has been told of.
 *
 * 1. In the last third of its life a certificate gets a successor, which is
 *    stored and whose authority is trusted beside the present one.
 * 2. When that trust has been in force for a while, the successor is served.
 * 3. The old authority is trusted on until it ends: another replica may still
 *    serve what it signed.
 *
 * @module
 */
import {
  createGeneration,
  endOf,
  type Generation,
  isFor,
} from "./certificate.ts";

export interface Credentials {
  /** What is served. */
  readonly current: Generation;
  /** What will be. */
  readonly next?: Generation;
  /** The authority of what was. */
  readonly previousCa?: string;
}

export interface Terms {
  /** Names and addresses that the API server calls. */
  readonly hosts: readonly string[];
  /** How long a certificate is good for, in ms. */
  readonly life: number;
}

/**
 * What follows on `credentials`; the same object if nothing changes.
 *
 * @param isTrusted whether the authority of the successor has been trusted for
 * long enough
 */
export async function advance(
  credentials: Credentials | undefined,
  { hosts, life }: Terms,
  isTrusted: boolean,
  now = Date.now(),
): Promise<Credentials> {
  const create = () => createGeneration(hosts, life, now);
  if (!credentials) return { current: await create() };
  const { current, next, previousCa } = credentials;
  const isPast = (pem: string) => endOf(pem) <= now;
  if (isPast(current.cert) || !isFor(current.cert, hosts)) {
    return { current: await create(), previousCa: current.ca };
  }
  if (next && isTrusted && !isPast(next.cert)) {
    return { current: next, previousCa: current.ca };
  }
  const left = endOf(current.cert) - now;
  const isDue = left < life / 3 || left > 2 * life; // made for a longer life
  if (isDue && (!next || isPast(next.cert))) {
    return { ...credentials, next: await create() };
  }
  if (previousCa !== undefined && isPast(previousCa)) {
    return { current, ...(next ? { next } : {}) };
  }
  return credentials;
}

/** All authorities to trust, as one PEM text. */
export function bundleOf({ current, next, previousCa }: Credentials): string {
  return [previousCa, current.ca, next?.ca].join("");
}

/** As the data of a Secret; its values are base64. */
export function writeCredentials(
  { current, next, previousCa }: Credentials,
): Record<string, string> {
  const texts = {
    "ca.crt": current.ca,
    "tls.crt": current.cert,
    "tls.key": current.key,
    "next-ca.crt": next?.ca,
    "next-tls.crt": next?.cert,
    "next-tls.key": next?.key,
    "previous-ca.crt": previousCa,
  };
  return Object.fromEntries(
    Object.entries(texts).filter(([, text]) => text !== undefined)
      .map(([name, text]) => [name, btoa(text!)]),
  );
}

/** Of the data of a Secret; nothing if it holds none that can be read. */
export function readCredentials(
  data: Readonly<Record<string, string>>,
): Credentials | undefined {
  const generation = (prefix: string): Generation | undefined => {
    const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"]
      .map((name) => textOf(data[prefix + name]));
    if (ca === undefined || cert === undefined || key === undefined) return;
    return isCertificate(ca) && isCertificate(cert)
      ? { ca, cert, key }
      : undefined;
  };
  const current = generation("");
  if (!current) return undefined;
  const next = generation("next-");
  const previousCa = textOf(data["previous-ca.crt"]);
  return {
    current,
    ...(next ? { next } : {}),
    ...(previousCa !== undefined && isCertificate(previousCa)
      ? { previousCa }
      : {}),
  };
}

function textOf(base64: string | undefined): string | undefined {
  try {
    return base64 === undefined ? undefined : atob(base64);
  } catch {
    return undefined;
  }
}

function isCertificate(pem: string): boolean {
  try {
    endOf(pem);
    return true;
  } catch {
    return false;
  }
}
