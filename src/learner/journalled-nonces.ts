import { createHmac, randomBytes } from "node:crypto";
import { digest } from "../base/id.ts";
import type { SpendStore } from "../store/ports.ts";

const KEY = digest(["secret of the nonces"]);

/**
 * Nonces that nobody can guess and that are the same for the same question, also after a crash: what is drawn by them (which criteria are controls, and where they
 * stand) is drawn alike, so the question is the one whose answer was paid for. Their secret is drawn once and kept as long as the answers are.
 */
export async function journalledNonces(
  store: Pick<SpendStore, "saveAnswer" | "answerOf">,
  cycleId: string,
): Promise<(about: string) => string> {
  if ((await store.answerOf(KEY)) === undefined) {
    await store.saveAnswer({ key: KEY, cycleId, step: "nonces", answer: randomBytes(32).toString("hex") });
  }
  // Of two who draw at once the first stays.
  const secret = String((await store.answerOf(KEY))?.answer);
  return (about) => createHmac("sha256", secret).update(about).digest("hex").slice(0, 24);
}
