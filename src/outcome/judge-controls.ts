import { uniformOf } from "../base/id.ts";
import { foldQuote } from "./mark-text.ts";

/** Whose score is known before the model is asked. */
export interface Control {
  readonly text: string;
  readonly holds: boolean;
}

/**
 * One criterion that holds for every answer there is and two that cannot hold, because their words are nowhere in what the model is shown. A model that was
 * talked into "everything is met" or "nothing is met", in whatever words, gets one of them wrong. Drawn by the nonce, so that nobody can name them
 * beforehand.
 */
export function controlsFor(shown: string, nonce: string): readonly Control[] {
  const folded = foldQuote(shown);
  const absent = THINGS.filter((thing) => thing.split(" ").every((word) => !folded.includes(foldQuote(word))));
  const drawn = shuffled(absent, nonce).slice(0, 2);
  const [template = "", other = ""] = shuffled(CLAIMS, `${nonce} claims`);
  return [
    { text: shuffled(HOLDS, nonce)[0] ?? "", holds: true },
    ...drawn.map((thing, index) => ({ text: (index === 0 ? template : other).replace("%", thing), holds: false })),
  ];
}

/** The same items in an order that nothing but the seed decides. */
export function shuffled<Item>(items: readonly Item[], seed: string): readonly Item[] {
  return items
    .map((item, index) => [uniformOf(`${seed}:${index}`), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const HOLDS = ["ANSWER is not empty.", "There is at least one character in ANSWER.", "The agent gave an ANSWER of some kind."];

const CLAIMS = ["ANSWER tells the reader about the %.", "ANSWER mentions the %.", "ANSWER names a %.", "ANSWER describes the %."];

/** Everyday enough to be read, rare enough to be absent. */
const THINGS = [
  ...[
    "marzipan sextant",
    "bagpipe orchard",
    "velvet zeppelin",
    "walnut harpsichord",
    "pumpkin lighthouse",
    "copper trombone",
    "tulip gondola",
  ],
  ...[
    "saffron windmill",
    "badger carousel",
    "rhubarb cathedral",
    "ostrich teapot",
    "gherkin observatory",
    "parsnip toboggan",
    "llama sundial",
  ],
];
