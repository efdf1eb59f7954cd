import { z } from "zod";

/** The items of a JSON file that says it is of this schema, unread; or why it is none. Never throws. */
export function itemsOfFile(
  text: string,
  file: string,
  schema: string,
): { readonly entries: readonly unknown[]; readonly problems: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (caught) {
    return { entries: [], problems: [`${file}: is not JSON: ${(caught as Error).message}`] };
  }
  const parsed = z.object({ schema: z.literal(schema), items: z.array(z.unknown()) }).safeParse(value);
  return parsed.success ? { entries: parsed.data.items, problems: [] } : { entries: [], problems: issuesAt(file, parsed.error) };
}

/** Each problem with its place, and the path inside of it where there is one. */
export function issuesAt(place: string, error: z.ZodError): readonly string[] {
  return error.issues.map(({ path, message }) => `${place}: ${path.length === 0 ? "" : `${path.join(".")}: `}${message}`);
}
