import { LearnError } from "../src/base/error.ts";

/** True for names and addresses that only this machine reaches. Unusual spellings count as open, which asks for more and never for less. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Throws "invalid" for an address that others reach while nobody is asked for a token, unless that is wanted in so many words. */
export function checkBind({
  host,
  token,
  allowOpenBind,
}: {
  readonly host: string;
  readonly token?: string | undefined;
  readonly allowOpenBind: boolean;
}): void {
  if (isLoopback(host) || token !== undefined || allowOpenBind) return;
  throw new LearnError("invalid", `the collector would listen on ${host}, open to the network, and ask nobody for a token`, {
    hint: "set AGENTLEARN_TOKEN, or use --host 127.0.0.1; --allow-open-bind if something before it keeps others out",
  });
}
