/**
 * Which parsers somebody names. Pure.
 *
 * The supervisor reads no YAML: it looks for names in the texts, so it may find
 * one in a comment, and never misses one.
 *
 * @module
 */

/** By which YAML and JSON write a letter otherwise, or a word on two lines (YAML 1.2, section 5.7). */
const ESCAPE = /\\[xuU\r\n]/;

/** Whether a parser's name stands in any of the texts; yes, too, where it might be written otherwise. */
export function namedIn(texts: readonly string[]): (name: string) => boolean {
  const isOpen = texts.some((text) => ESCAPE.test(text));
  return (name) => isOpen || texts.some((text) => text.includes(name));
}
