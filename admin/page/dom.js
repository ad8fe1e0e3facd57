// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Elements. Texts become text nodes, with what is invisible in them made
 * visible: nothing that comes from a peer, a log or a file is ever read as HTML.
 *
 * @module
 */
import { visible } from "./words.js";

/**
 * The element of an id, of the kind that is wanted.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} with the id ${id}`);
}

/**
 * Makes an element. Event handlers are attributes that are functions.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | (() => void)>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") element.setAttribute(name, visible(value));
    else element.addEventListener(name, value);
  }
  element.append(...children.map(nodeOf));
  return element;
}

/** @param {Node | string} child */
function nodeOf(child) {
  return typeof child === "string" ? visible(child) : child;
}

/** Puts a text in an element; an element that says it already is left alone. @param {Element} element @param {string} text */
export function say(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/**
 * Rows that follow a list: rows of items that stay are kept, so that the focus
 * stays where it is.
 * @template T
 */
export class Rows {
  /** @type {Map<string, { row: HTMLElement, update: (item: T) => void }>} */
  #known = new Map();
  #body;
  #keyOf;
  #create;

  /**
   * @param {HTMLElement} body
   * @param {(item: T) => string} keyOf
   * @param {(item: T) => { row: HTMLElement, update: (item: T) => void }} create
   */
  constructor(body, keyOf, create) {
    this.#body = body;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  /** @param {readonly T[]} items */
  show(items) {
    const known = new Map();
    /** @type {Element | null} */
    let next = this.#body.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      const one = this.#known.get(key) ?? this.#create(item);
      this.#known.delete(key);
      known.set(key, one);
      one.update(item);
      if (one.row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(one.row, next);
    }
    for (const { row } of this.#known.values()) row.remove();
    this.#known = known;
  }
}

/** Does something again and again, while the page is seen; never twice at a time. @param {number} ms @param {() => Promise<void> | void} act */
export function every(ms, act) {
  const run = async () => {
    if (!document.hidden) await act();
    setTimeout(run, ms);
  };
  void run();
}
