import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** What pages of other origins may do. Only browsers send an Origin, and they send one with every POST. */
export interface Cors {
  /** False for a page whose origin is not listed; also one of this very host, which a name that points here may be. */
  allows(headers: IncomingHttpHeaders): boolean;
  /** For every answer to an allowed page, refusals too: without them the page hears of a network error instead. */
  answerHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders;
  /** For the question before a POST; undefined when it is none, or not from an allowed page. It carries no token. */
  preflight(method: string | undefined, headers: IncomingHttpHeaders): OutgoingHttpHeaders | undefined;
}

/** @param origins like "https://app.example", or "*" for every page; none: no page may send anything. */
export function createCors(origins: readonly string[]): Cors {
  const listed = new Set(origins.map((origin) => origin.toLowerCase()));
  const any = listed.has("*");

  function allowedOrigin({ origin }: IncomingHttpHeaders): string | undefined {
    return origin !== undefined && (any || listed.has(origin.toLowerCase())) ? origin : undefined;
  }

  function answerHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
    if (listed.size === 0) return {};
    const origin = allowedOrigin(headers);
    if (origin === undefined) return { vary: "Origin" };
    return { vary: "Origin", "access-control-allow-origin": origin, "access-control-expose-headers": "Retry-After" };
  }

  return {
    allows: (headers) => headers.origin === undefined || allowedOrigin(headers) !== undefined,
    answerHeaders,
    preflight(method, headers) {
      if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return undefined;
      if (allowedOrigin(headers) === undefined) return undefined;
      const asked = headers["access-control-request-headers"];
      return {
        ...answerHeaders(headers),
        "access-control-allow-methods": "POST",
        ...(asked === undefined ? {} : { "access-control-allow-headers": asked }),
        // The most that Chromium keeps; a page asks again after it.
        "access-control-max-age": "7200",
      };
    },
  };
}
