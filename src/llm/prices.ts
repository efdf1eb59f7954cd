/** In USD per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
}

export type Prices = ReadonlyMap<string, ModelPrice>;

/**
 * Reads `modelPrices`, "gpt-4o-mini=0.15/0.60, other=1/2". No price ships with the package: they change without notice and differ by contract, and a
 * budget that is kept with last year's price is not kept.
 */
export function pricesFrom(setting: string | undefined): Prices {
  const prices = new Map<string, ModelPrice>();
  for (const part of (setting ?? "").split(",")) {
    const at = part.lastIndexOf("=");
    const [input, output] = part.slice(at + 1).split("/", 2);
    if (at > 0) prices.set(part.slice(0, at).trim(), { input: Number(input), output: Number(output) });
  }
  return prices;
}

/** Undefined where the price is not known; never 0 for that. */
export function usdOf(price: ModelPrice | undefined, inputTokens: number, outputTokens: number): number | undefined {
  return price === undefined ? undefined : (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}
