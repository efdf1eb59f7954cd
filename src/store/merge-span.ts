import type { RawSpan } from "../span/raw-span.ts";

/**
 * Two reports of one span as one: the later end wins, attributes are united, an error is never forgotten. The result does not depend on which of the two
 * came first, nor does that of more as long as they do not differ in an attribute; emitters report a span twice, and not three times in three ways.
 */
export function mergeSpans(left: RawSpan, right: RawSpan): RawSpan {
  const [first, last] = winsOver(left, right) ? [right, left] : [left, right];
  const status = last.status.code >= first.status.code ? last.status : first.status;
  return {
    ...first,
    ...last,
    startTimeUs: Math.min(first.startTimeUs || last.startTimeUs, last.startTimeUs || first.startTimeUs),
    attributes: { ...first.attributes, ...last.attributes },
    resource: { ...first.resource, ...last.resource },
    events: united(first.events, last.events).sort((a, b) => a.timeUs - b.timeUs),
    links: united(first.links, last.links),
    status,
  };
}

function winsOver(left: RawSpan, right: RawSpan): boolean {
  if (left.endTimeUs !== right.endTimeUs) return left.endTimeUs > right.endTimeUs;
  // Equal ends: any rule will do that gives the same answer both ways round.
  const [leftText, rightText] = [JSON.stringify(left), JSON.stringify(right)];
  return leftText.length === rightText.length ? leftText > rightText : leftText.length > rightText.length;
}

/** Both lists without second copies. */
function united<T>(first: readonly T[], last: readonly T[]): T[] {
  if (first.length === 0) return [...last];
  const seen = new Map([...first, ...last].map((entry) => [JSON.stringify(entry), entry]));
  return [...seen.values()];
}
