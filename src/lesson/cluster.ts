import { type FailureSignature, signatureSimilarity } from "./failure-signature.ts";

export interface Clusterable {
  readonly id: string;
  readonly signature: FailureSignature;
}

/**
 * Measured on the 12 kinds of failure of test/unit/lesson/cluster.test.ts, 20 runs each with other values and tasks: from 0.45 to 0.65 every kind is one cluster; at
 * 0.4 two errors of one tool fall together, at 0.7 a kind whose errors name a column each falls into single runs.
 */
const SAME_FAILURE = 0.5;

/**
 * Groups what failed alike: the commonest signature leads a cluster, and each other joins the leader it is most like, from `SAME_FAILURE` on, or leads one itself.
 * The result depends on the set alone, not on its order. Equal signatures are compared once, and only with leaders that share a feature, so the work
 * grows with the number of runs plus (different signatures x leaders). Largest cluster first; members by id.
 */
export function cluster<Member extends Clusterable>(members: readonly Member[]): readonly (readonly Member[])[] {
  const kinds = new Map<string, Member[]>();
  for (const member of members) {
    const key = keyOf(member.signature);
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, [member]);
    else kind.push(member);
  }
  const ordered = [...kinds].sort(([a, m], [b, n]) => n.length - m.length || (a < b ? -1 : 1));
  const clusters: { readonly leader: FailureSignature; readonly members: Member[] }[] = [];
  const leadersWith = new Map<string, number[]>();
  for (const [, kind] of ordered) {
    const signature = kind[0]?.signature ?? new Map<string, number>();
    const joined = clusters[nearestLeader(signature, clusters, leadersWith)];
    if (joined !== undefined) joined.members.push(...kind);
    else {
      for (const feature of signature.keys()) leadersWith.set(feature, [...(leadersWith.get(feature) ?? []), clusters.length]);
      clusters.push({ leader: signature, members: [...kind] });
    }
  }
  return clusters
    .map((found) => found.members.sort((a, b) => (a.id < b.id ? -1 : 1)))
    .sort((a, b) => b.length - a.length || ((a[0]?.id ?? "") < (b[0]?.id ?? "") ? -1 : 1));
}

/** -1 when none is like it. The oldest among equals. */
function nearestLeader(
  signature: FailureSignature,
  clusters: readonly { readonly leader: FailureSignature }[],
  leadersWith: ReadonlyMap<string, readonly number[]>,
): number {
  const candidates = new Set<number>();
  for (const feature of signature.keys()) for (const index of leadersWith.get(feature) ?? []) candidates.add(index);
  let [best, highest] = [-1, 0];
  for (const index of [...candidates].sort((a, b) => a - b)) {
    const similarity = signatureSimilarity(signature, clusters[index]?.leader ?? new Map());
    if (similarity >= SAME_FAILURE && similarity > highest) [best, highest] = [index, similarity];
  }
  return best;
}

function keyOf(signature: FailureSignature): string {
  return [...signature]
    .map(([feature, weight]) => `${feature}=${weight}`)
    .sort()
    .join("\n");
}
