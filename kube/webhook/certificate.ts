/**
 * The webhook's certificates. Each comes with an authority of its own, whose
 * key is forgotten once it has signed: nobody can sign another one.
 *
 * @module
 */
// What the library finds its parts by asks for this at import.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { parseAddress } from "../../policy/cidr.ts";

/** A certificate, its key and the authority that signed it, all PEM. */
export interface Generation {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Clocks of other machines may be behind. */
const BEFORE_MS = 5 * 60_000;

/** Makes one for these names and addresses, that is good for `life` ms. */
export async function createGeneration(
  hosts: readonly string[],
  life: number,
  now = Date.now(),
): Promise<Generation> {
  const validity = {
    notBefore: new Date(now - BEFORE_MS),
    notAfter: new Date(now + life),
    signingAlgorithm: ALGORITHM,
  };
  const authority = await generateKeys();
  // A name of its own: verifiers look authorities up by their names.
  const name = `CN=parley-webhook-ca-${crypto.randomUUID()}`;
  const ca = await X509CertificateGenerator.createSelfSigned({
    name,
    keys: authority,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: "CN=parley-webhook",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(hosts.map(generalName)),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    ca: line(ca.toString("pem")),
    cert: line(certificate.toString("pem")),
    key: line(PemConverter.encode(key, "PRIVATE KEY")),
  };
}

/** When a certificate ends, in ms. @throws when it is none */
export function endOf(pem: string): number {
  return new X509Certificate(pem).notAfter.getTime();
}

/** Whether a certificate is for exactly these names and addresses. */
export function isFor(pem: string, hosts: readonly string[]): boolean {
  const names = new X509Certificate(pem)
    .getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const found = names.map(({ value }) => value).sort().join();
  return found === [...hosts].sort().join();
}

function generateKeys(): Promise<CryptoKeyPair> {
  const usages: KeyUsage[] = ["sign", "verify"];
  return crypto.subtle.generateKey(ALGORITHM, true, usages) as Promise<
    CryptoKeyPair
  >;
}

function generalName(host: string): JsonGeneralName {
  const type = parseAddress(host) === undefined ? "dns" : "ip";
  return { type, value: host };
}

function line(pem: string): string {
  return `${pem.trimEnd()}\n`;
}
