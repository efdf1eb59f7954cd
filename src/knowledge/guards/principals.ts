import { nearDuplicate } from "../../base/similarity.ts";
import type { Trace } from "../../trace/trace.ts";

/** Fewer could be one person who came twice, or two who know each other. */
export const LEAST_PRINCIPALS = 3;

/**
 * How many stand behind these runs who had nothing to do with each other, counted low: runs of one user, or of one conversation, are one; all runs that name
 * neither are one together; and runs that were asked nearly the same count once, however many asked.
 */
export function independentPrincipals(runs: readonly Pick<Trace, "userId" | "conversationId" | "task">[]): number {
  const userOf = new Map(
    runs.flatMap(({ conversationId, userId }) => (conversationId && userId ? [[conversationId, userId] as const] : [])),
  );
  const counted = new Map<string, string>();
  for (const { userId, conversationId, task } of runs) {
    const user = userId || userOf.get(conversationId ?? "");
    const principal = user ? `user ${user}` : conversationId ? `conversation ${conversationId}` : "";
    const isSame = [...counted.values()].some((other) => nearDuplicate(other, task));
    if (!counted.has(principal) && !isSame) counted.set(principal, task);
  }
  return counted.size;
}
