/**
 * Recognises a TLS client: policy on what cannot be read is no policy.
 *
 * @module
 */

const HANDSHAKE = 0x16; // RFC 8446, section 5.1: ContentType
const CLIENT_HELLO = 0x01; // RFC 8446, section 4: HandshakeType

/**
 * Whether a connection begins with a TLS ClientHello: a record header (type,
 * version 3.0 to 3.4, two bytes of length) and the handshake type. `maybe`
 * while fewer bytes fit so far.
 */
export function clientHello(data: Uint8Array): "yes" | "no" | "maybe" {
  const fits = [
    data[0] === HANDSHAKE,
    data[1] === 0x03,
    (data[2] ?? 0) <= 0x04,
    true,
    true,
    data[5] === CLIENT_HELLO,
  ];
  for (let i = 0; i < fits.length; i++) {
    if (i === data.length) return "maybe";
    if (!fits[i]) return "no";
  }
  return "yes";
}
