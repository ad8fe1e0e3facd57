/**
 * Which addresses only this machine reaches.
 *
 * @module
 */

const LOOPBACK =
  /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i;

/** Whether a host, without brackets, is this machine and nobody else. A name that only resolves to it is not. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
