import { expect, test } from "vitest";
import { createCanaryInjector } from "../../src/injection/canary-injector.ts";
import { createEmbeddingInjector } from "../../src/injection/embedding-injector.ts";
import { createHybridInjector } from "../../src/injection/hybrid-injector.ts";
import type { Injector } from "../../src/injection/injector.ts";
import { createSimpleInjector } from "../../src/injection/simple-injector.ts";
import { createSmartInjector } from "../../src/injection/smart-injector.ts";
import { aLibrary } from "./injector/a-library.ts";
import { describeInjector } from "./injector/describe-injector.ts";

/** Where no embedding model can be had. */
function withoutVectors(injector: Injector): Injector {
  return { name: injector.name, inject: (request, { vectors: _none, ...sources }) => injector.inject(request, sources) };
}

describeInjector("SmartInjector", createSmartInjector(), { choosesByTask: true });
describeInjector("SimpleInjector", createSimpleInjector(), { choosesByTask: false });
describeInjector("EmbeddingInjector", createEmbeddingInjector(), { choosesByTask: true });
describeInjector("HybridInjector by meaning", createHybridInjector(), { choosesByTask: true });
describeInjector("HybridInjector by words", withoutVectors(createHybridInjector()), { choosesByTask: true });
// A share of nearly all runs: what nobody put into canary must not come in by it either.
describeInjector("CanaryInjector", createCanaryInjector({ share: 0.99 }), { choosesByTask: true });

test("EmbeddingInjector without an embedding model says so", async () => {
  const asked = withoutVectors(createEmbeddingInjector()).inject({ task: "t", seed: "s", withholdProbability: 0 }, await aLibrary([]));
  await expect(asked).rejects.toMatchObject({ code: "invalid", message: "the embedding injector needs an embedding model" });
});
