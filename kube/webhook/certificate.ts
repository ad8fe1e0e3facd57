/**
 * Certificates. Each of the webhook's comes with an authority of its own, whose
 * key is forgotten once it has signed: nobody can sign another one. The
 * controller's authority is kept: sidecars trust it for as long as they live.
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

/** An authority whose key is kept: its certificate and its key, PEM. */
export interface Authority {
  readonly ca: string;
  readonly key: string;
}

/** Makes one for these names and addresses, that is good for `life` ms. */
export async function createGeneration(
  hosts: readonly string[],
  life: number,
  now = Date.now(),
): Promise<Generation> {
  const keys = await generateKeys();
  const ca = await selfSigned("parley-webhook", keys, life, now);
  const leaf = await sign(ca, keys.privateKey, hosts, life, now);
  return { ca: line(ca.toString("pem")), ...leaf };
}

/** Makes an authority that is good for `life` ms. */
export async function createAuthority(
  name: string,
  life: number,
): Promise<Authority> {
  const keys = await generateKeys();
  const ca = await selfSigned(name, keys, life, Date.now());
  return {
    ca: line(ca.toString("pem")),
    key: await pemOf(keys.privateKey),
  };
}

/** A certificate that an authority signs. @throws when its parts are none */
export async function certify(
  { ca, key }: Authority,
  hosts: readonly string[],
  life: number,
): Promise<Omit<Generation, "ca">> {
  const signingKey = await crypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(key),
    ALGORITHM,
    false,
    ["sign"],
  );
  const certificate = new X509Certificate(ca);
  return await sign(certificate, signingKey, hosts, life, Date.now());
}

function selfSigned(
  name: string,
  keys: CryptoKeyPair,
  life: number,
  now: number,
): Promise<X509Certificate> {
  return X509CertificateGenerator.createSelfSigned({
    // A name of its own: verifiers look authorities up by their names.
    name: `CN=${name}-ca-${crypto.randomUUID()}`,
    keys,
    ...validity(life, now),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
}

async function sign(
  ca: X509Certificate,
  signingKey: CryptoKey,
  hosts: readonly string[],
  life: number,
  now: number,
): Promise<Omit<Generation, "ca">> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: "CN=parley",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    ...validity(life, now),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(hosts.map(generalName)),
    ],
  });
  return {
    cert: line(certificate.toString("pem")),
    key: await pemOf(keys.privateKey),
  };
}

function validity(life: number, now: number) {
  return {
    notBefore: new Date(now - BEFORE_MS),
    notAfter: new Date(now + life),
    signingAlgorithm: ALGORITHM,
  };
}

async function pemOf(key: CryptoKey): Promise<string> {
  const bytes = await crypto.subtle.exportKey("pkcs8", key);
  return line(PemConverter.encode(bytes, "PRIVATE KEY"));
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
