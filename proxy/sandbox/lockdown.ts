/**
 * Takes the system away from all code of this process that is loaded later, and
 * freezes what it would share with the engine.
 *
 * Modules that are loaded already keep what they hold in variables; what they
 * look up by a global name at each call (`Deno`, `performance`, `setTimeout`)
 * is gone for them too. So whoever needs it takes it before.
 *
 * @module
 */
import {
  hiddenIntrinsics,
  KEPT_GLOBALS,
  KEPT_STATICS,
  OVERRIDDEN,
  REFUSED_CALLS,
  REMOVED_MEMBERS,
} from "./globals.ts";
import { harden } from "./harden.ts";

// deno-lint-ignore no-explicit-any -- any function at all
type Callable = (...args: any[]) => unknown;

/** What parser code gets to share with the engine, and what becomes of what it leaves behind. */
export interface LockdownOptions {
  /** Module namespaces and objects to freeze, with all that can be reached from them. */
  readonly engine: Iterable<object>;
  /** Objects to freeze likewise, for the sake of what only they lead to. */
  readonly samples?: Iterable<object>;
  /** Called with the reason of a promise that was rejected and that nobody looks at. */
  readonly rejected?: (reason: unknown) => void;
}

/**
 * Locks this realm down, once and for good. Answers the paths of what the
 * engine shares that no freezing can hold: contents of collections and bytes.
 *
 * @throws {TypeError} when something could not be taken away: load no parser then
 */
export function lockdown(
  { engine, samples = [], rejected = () => {} }: LockdownOptions,
): readonly string[] {
  const shared = [...engine];
  const dispatchEvent = rejectionSink(rejected);
  replaceCompilers();
  tame();
  strip();
  define(globalThis, "console", inertConsole());
  define(globalThis, "dispatchEvent", dispatchEvent);
  // Or `Deno.exit`, where the engine has kept it, fails to announce the end first.
  define(globalThis, Symbol.for("Deno.isUnloadDispatched"), true);
  for (const [prototype, keys] of OVERRIDDEN) {
    letOverride(prototype, keys === "all" ? dataKeys(prototype) : keys);
  }
  const world = KEPT_GLOBALS.map((name) => own(globalThis, name)?.value)
    .filter((value) => Object(value) === value && value !== globalThis);
  const language = [...world, ...hiddenIntrinsics(), globalThis];
  return harden(shared, [...language as object[], ...samples]);
}

/**
 * The four constructors that compile texts. A flag of V8's refuses them too;
 * here they are out of reach, whatever the flags are. What is called `Function`
 * stays, for `instanceof`.
 */
function replaceCompilers(): void {
  const kinds = [
    function () {},
    function* () {},
    async function () {},
    async function* () {},
  ];
  for (const kind of kinds) {
    const prototype = Object.getPrototypeOf(kind);
    const compiler = prototype.constructor as Callable;
    const inert = refusal(compiler.name, "compiling code is not possible here");
    Object.defineProperty(inert, "prototype", {
      value: prototype,
      writable: false,
    });
    define(prototype, "constructor", inert);
    if (compiler === Function) define(globalThis, "Function", inert);
    // A constructor of functions inherits from Function itself.
    else Object.setPrototypeOf(inert, globalThis.Function);
  }
}

/** A function that only throws. It can be called with `new` too. */
function refusal(name: string, why: string): Callable {
  const inert = function (): never {
    throw new TypeError(`${name}: ${why}`);
  };
  define(inert, "name", name);
  return inert;
}

/** Takes away, or refuses, single members of the language's objects. */
function tame(): void {
  for (const [name, kept] of Object.entries(KEPT_STATICS)) {
    const holder = own(globalThis, name)?.value as object;
    for (const key of Reflect.ownKeys(holder)) {
      if (!kept.includes(key)) remove(holder, key);
    }
  }
  for (const [holder, key] of REMOVED_MEMBERS) remove(holder, key);
  for (const [holder, key] of REFUSED_CALLS) {
    define(holder, key, refusal(key, "parsers have no clock and no dice"));
  }
  tameDate();
}

/** `Date` without arguments tells the time; with some it computes. */
function tameDate(): void {
  const SystemDate = Date;
  const why = "parsers have no clock; give the time as an argument";
  const TamedDate = function (this: unknown, ...args: unknown[]): object {
    if (!new.target || args.length === 0) throw new TypeError(`Date: ${why}`);
    return Reflect.construct(SystemDate, args, new.target);
  };
  for (const key of ["name", "length", "prototype", "now", "parse", "UTC"]) {
    Object.defineProperty(TamedDate, key, own(SystemDate, key)!);
  }
  define(SystemDate.prototype, "constructor", TamedDate);
  define(globalThis, "Date", TamedDate);
}

/** Leaves of the globals only those that are listed. */
function strip(): void {
  const kept = new Set<PropertyKey>(KEPT_GLOBALS);
  for (const key of Reflect.ownKeys(globalThis)) {
    if (!kept.has(key)) remove(globalThis, key);
  }
  // Accessors of the runtime's, loaded at first use, become what they are.
  for (const name of KEPT_GLOBALS) {
    const property = own(globalThis, name);
    if (property?.get) {
      define(globalThis, name, Reflect.get(globalThis, name));
    }
  }
  // The runtime's own prototype of the global object leads to EventTarget.
  if (!Reflect.setPrototypeOf(globalThis, Object.prototype)) {
    throw new TypeError("lockdown: the global object keeps its prototype");
  }
}

/**
 * The runtime announces a rejection that nobody looks at to the global object's
 * `dispatchEvent`, and ends the process if it is not told that this is all
 * right. A parser may leave promises behind; that must end nobody's connection.
 * Parser code that calls this itself has no such event and is not heard.
 */
function rejectionSink(rejected: (reason: unknown) => void): Callable {
  const { preventDefault } = Event.prototype;
  const reasonOf = own(PromiseRejectionEvent.prototype, "reason")!.get!;
  const { apply } = Reflect;
  return function dispatchEvent(event: PromiseRejectionEvent): void {
    try {
      const reason = apply(reasonOf, event, []);
      apply(preventDefault, event, []);
      if (event.type === "unhandledrejection") rejected(reason);
    } catch { /* no such event */ }
  };
}

/** A forgotten `console.log` should not cost an author's users their connections. */
function inertConsole(): object {
  const names = ["debug", "error", "info", "log", "trace", "warn"];
  return Object.fromEntries(names.map((name) => [name, () => {}]));
}

/**
 * Makes data properties of a prototype accessors, which can be overridden by
 * assignment in what inherits from it. Once the prototype is frozen, a data
 * property could not be ("the override mistake", as SES calls it).
 */
function letOverride(prototype: object, keys: readonly string[]): void {
  for (const key of keys) {
    const property = own(prototype, key);
    if (!property || !("value" in property)) continue;
    const { value } = property;
    const accessor = {
      get() {
        return value;
      },
      set(this: object, replacement: unknown) {
        if (this === prototype) {
          throw new TypeError(`Cannot assign to read only property '${key}'`);
        }
        if (Object.hasOwn(this, key)) {
          (this as Record<string, unknown>)[key] = replacement;
          return;
        }
        Object.defineProperty(this, key, {
          value: replacement,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      },
    };
    Object.defineProperty(prototype, key, {
      ...accessor,
      enumerable: property.enumerable!,
      configurable: false,
    });
  }
}

function dataKeys(holder: object): string[] {
  return Object.getOwnPropertyNames(holder).filter((key) =>
    "value" in own(holder, key)!
  );
}

function own(holder: object, key: PropertyKey): PropertyDescriptor | undefined {
  return Reflect.getOwnPropertyDescriptor(holder, key);
}

/** Sets a property that is neither listed nor, once frozen, changed again. */
function define(holder: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(holder, key, {
    value,
    writable: false,
    enumerable: false,
    configurable: true,
  });
}

const EMPTY = { value: undefined, writable: false };

/** Deletes a property; the runtime shows some a second time, under what was deleted. */
function remove(holder: object, key: PropertyKey): void {
  for (let layer = 0; layer < 3 && Object.hasOwn(holder, key); layer++) {
    Reflect.deleteProperty(holder, key);
  }
  if (!Object.hasOwn(holder, key)) return;
  // What a flag of V8's puts there can be emptied only.
  if (Reflect.defineProperty(holder, key, EMPTY)) return;
  throw new TypeError(`lockdown: ${String(key)} cannot be taken away`);
}
