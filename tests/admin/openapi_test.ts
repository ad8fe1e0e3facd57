/** The OpenAPI document: valid, and what the sidecar itself serves. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { operationsOf } from "../../admin/app/app.ts";
import type { Administered } from "../../proxy/administered.ts";

// deno-lint-ignore no-explicit-any -- JSON
async function documentOf(): Promise<any> {
  const operation = operationsOf({} as Administered)
    .find(({ path }) => path === "/openapi.json")!;
  const request = new Request("http://parley/openapi.json");
  return await (await operation.run(request, {})).json();
}

Deno.test("the OpenAPI document is valid", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(await documentOf());
  assert(valid, JSON.stringify(errors));
  assertEquals(validator.version, "3.1");
});

Deno.test("every reference of the document leads somewhere, and every component is used", async () => {
  const document = await documentOf();
  const text = JSON.stringify(document);
  const used = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
      .map(([, kind, name]) => `${kind}/${name}`),
  );
  const there = ["schemas", "responses"].flatMap((kind) =>
    Object.keys(document.components[kind]).map((name) => `${kind}/${name}`)
  );
  assertEquals([...used].sort(), there.sort());
  assertEquals(text.match(/"\$ref":"(?!#\/components)/), null);
  assertEquals(text.includes('"$defs"'), false);
});

Deno.test("every operation is documented, with problem documents for what may go wrong", async () => {
  const { paths } = await documentOf();
  for (const { method, path, summary } of operationsOf({} as Administered)) {
    const operation = paths[path][method.toLowerCase()];
    assertEquals(operation.summary, summary);
    for (const status of ["400", "401", "403", "500", "503"]) {
      assert(operation.responses[status], `${method} ${path}: ${status}`);
    }
  }
});
