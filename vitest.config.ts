import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, environment: "node", pool: "forks" as const },
});

/** Four projects: `npm test` runs unit, contract and docs; `npm run e2e` runs the suites that start real peers. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project("unit", ["test/unit/**/*.test.ts", "test/architecture.test.ts"], 15_000),
      project("contract", ["test/contract/**/*.test.ts"], 30_000),
      project("docs", ["test/docs/**/*.test.ts"], 30_000),
      project("e2e", ["test/e2e/**/*.test.ts"], 180_000),
    ],
  },
});
