/**
 * A schema of every kind that zod has. Zod finishes the prototypes of a kind
 * when its first schema is made, and keeps half of them where no export leads
 * to. So before its prototypes can be frozen, each kind has to be made once, and
 * what was made is frozen with it.
 *
 * @module
 */
import type { z as Zod } from "parley/proxylib";

/**
 * Schemas of every kind, with every check. Zod is told, too, to walk schemas
 * instead of compiling them: it has decided once whether it can.
 */
export function zodSamples(z: typeof Zod): object[] {
  if (!Object.isFrozen(z.config())) z.config({ jitless: true });
  return [
    ...texts(z),
    ...numbers(z),
    ...compounds(z),
    ...wrappers(z, z.string()),
  ];
}

function texts(z: typeof Zod): Zod.ZodType[] {
  const checked = z.string()
    .min(1).max(9).length(1).regex(/./).includes("").startsWith("").endsWith("")
    .lowercase().uppercase().trim().toLowerCase().toUpperCase().normalize()
    .overwrite((text) => text).check(z.property("length", z.number()));
  const formats = [
    z.email(),
    z.url(),
    z.httpUrl(),
    z.emoji(),
    z.uuid(),
    z.uuidv4(),
    z.uuidv6(),
    z.uuidv7(),
    z.guid(),
    z.nanoid(),
    z.cuid(),
    z.cuid2(),
    z.ulid(),
    z.xid(),
    z.ksuid(),
    z.ipv4(),
    z.ipv6(),
    z.mac(),
    z.cidrv4(),
    z.cidrv6(),
    z.base64(),
    z.base64url(),
    z.e164(),
    z.jwt(),
    z.hex(),
    z.hostname(),
    z.hash("sha256"),
    z.iso.date(),
    z.iso.time(),
    z.iso.datetime(),
    z.iso.duration(),
    z.stringFormat("sample", () => true),
    z.templateLiteral(["a", z.string()]),
  ];
  return [z.string(), checked, z.coerce.string(), z.stringbool(), ...formats];
}

function numbers(z: typeof Zod): Zod.ZodType[] {
  return [
    z.number().gt(0).gte(0).lt(9).lte(9).int().multipleOf(1).finite(),
    z.number().positive().negative().nonpositive().nonnegative(),
    z.bigint().gt(0n).lt(9n).multipleOf(1n),
    z.int(),
    z.int32(),
    z.uint32(),
    z.int64(),
    z.uint64(),
    z.float32(),
    z.float64(),
    z.nan(),
    z.boolean(),
    z.date().min(new Date(0)).max(new Date(1)),
    z.coerce.number(),
    z.coerce.bigint(),
    z.coerce.boolean(),
    z.coerce.date(),
  ];
}

function compounds(z: typeof Zod): Zod.ZodType[] {
  const text = z.string();
  const named = (kind: string) => z.object({ kind: z.literal(kind) });
  return [
    z.any(),
    z.unknown(),
    z.never(),
    z.void(),
    z.null(),
    z.undefined(),
    z.symbol(),
    z.literal("a"),
    z.enum(["a", "b"]),
    z.array(text).min(0).max(1).nonempty(),
    z.tuple([text], text),
    z.set(text).min(0).max(1).size(1),
    z.map(text, text),
    z.record(text, text),
    z.partialRecord(z.enum(["a"]), text),
    z.looseRecord(text, text),
    z.object({ a: text, b: text.optional() }).partial().required(),
    z.strictObject({ a: text }),
    z.looseObject({ a: text }).catchall(text),
    z.object({ a: text }).extend({ b: text }).pick({ a: true }),
    z.object({ a: text }).omit({ a: true }).keyof(),
    z.union([text, z.number()]),
    z.xor([text, z.number()]),
    z.discriminatedUnion("kind", [named("a"), named("b")]),
    z.intersection(z.object({ a: text }), z.object({ b: text })),
    z.lazy(() => text),
    z.promise(text),
    z.instanceof(Uint8Array),
    z.custom(() => true),
    z.function() as unknown as Zod.ZodType,
    z.file().min(0).max(1).mime("text/plain"),
    z.json(),
  ];
}

function wrappers(z: typeof Zod, text: Zod.ZodString): Zod.ZodType[] {
  const codec = z.codec(text, text, { decode: (a) => a, encode: (a) => a });
  return [
    text.optional(),
    text.exactOptional(),
    text.nullable(),
    text.nullish(),
    text.optional().nonoptional(),
    text.default(""),
    text.prefault(""),
    text.catch(""),
    text.readonly(),
    text.brand("sample"),
    text.array(),
    text.or(z.number()),
    text.and(text),
    text.pipe(text),
    text.transform((value) => value),
    text.refine(() => false, "sample"),
    text.superRefine(() => {}),
    text.check(() => {}),
    text.describe("sample"),
    text.meta({ title: "sample" }),
    z.preprocess((value) => value, text),
    z.success(text),
    codec,
    z.invertCodec(codec),
  ];
}
