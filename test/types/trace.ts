import type { AgentLearn } from "../../src/index.ts";

/** Compiled, never run: `learn.trace` keeps the types of the agent it wraps. */
export function traceKeepsTypes(learn: AgentLearn): void {
  const sync: (a: number, b: string) => boolean = learn.trace((a: number, b: string) => a > b.length);
  const async_: (task: string) => Promise<{ answer: number }> = learn.trace(async (task: string) => ({ answer: task.length }));
  const injected: (task: string, tries: number) => Promise<string> = learn.trace(
    async (task: string, tries: number, { knowledge }: { knowledge: string }) => `${task}${tries}${knowledge}`,
    { autoInject: true, inputExtractor: (task, tries) => `${task.trim()} ${tries.toFixed()}`, outputExtractor: (answer) => answer.trim() },
  );
  // @ts-expect-error an injected agent is always async
  const notSync: (task: string) => string = learn.trace((task: string, { knowledge }: { knowledge: string }) => task + knowledge, {
    autoInject: true,
  });
  // @ts-expect-error the extractor sees the agent's own parameters
  learn.trace((a: number) => a, { inputExtractor: (a: string) => a });
  void [sync, async_, injected, notSync];
}
