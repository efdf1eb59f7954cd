/** Learns one full cycle on a store file, and kills itself without a word before or after its nth write when it is told to. Prints `writes N NAME` at its end. */
import { appendFileSync } from "node:fs";
import { builtModule } from "./stored-spans.mjs";

const { file, baseUrl, killAt, mode, log, who = "child" } = JSON.parse(process.argv[2]);
const { acquireRuntime } = await builtModule("src/compose/runtime.js");
const { fullCycle } = await builtModule("src/compose/full-cycle.js");
const { loadConfig } = await builtModule("src/config/load-config.js");

const WRITES = new Set([
  "saveCycle",
  "reserveCall",
  "settleCall",
  "saveAnswer",
  "propose",
  "saveRefusals",
  "markAnalyzed",
  "saveItem",
  "saveItems",
  "saveValidation",
  "saveConflicts",
  "saveOutcomes",
  "forgetAnswers",
]);

const runtime = acquireRuntime({ store: `file:${file}` }, { name: who, ingest: "on-demand" });
let writes = 0;
const store = new Proxy(runtime.store, {
  get(target, name) {
    const method = target[name];
    if (typeof method !== "function" || !WRITES.has(name)) return method;
    return async (...args) => {
      writes += 1;
      const mine = writes === killAt;
      if (mine) appendFileSync(log, `${name}\n`);
      if (mine && mode === "before") process.kill(process.pid, "SIGKILL");
      const result = await method.apply(target, args);
      if (mine) process.kill(process.pid, "SIGKILL");
      return result;
    };
  },
});

/** The agent is behind the same server: its runs cost, too. */
const runner = async (task, knowledge) => {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "stub",
      messages: [
        { role: "system", content: `You are the agent.\n${knowledge}` },
        { role: "user", content: task },
      ],
    }),
  });
  return (await response.json()).choices[0].message.content;
};
const cases = (await store.listEvalCases()).map(({ id, task, expected, mustPass }) => ({
  id,
  task,
  mustPass,
  score: (output) => (output === expected ? 1 : 0),
}));
const config = loadConfig({
  env: {},
  code: { store: `file:${file}`, openaiBaseUrl: baseUrl, model: "stub", judge: "on", activation: "evidence", concurrency: 1 },
});
const report = await fullCycle({ store, config, who, runner, evals: { validationCases: async () => ({ cases }) } });
await runtime.release();
console.log(JSON.stringify({ writes, report }));
