import { isIP } from "node:net";

/**
 * Guards against DNS rebinding: a page in a browser can make a name of its own point to this machine, and then only the Host header
 * tells its requests from honest ones. Names of this machine pass, the bound host, and those in `allowedHosts`.
 * Bound to every address, any address passes: a page cannot rebind a number.
 */
export function createHostCheck(boundHost: string, allowedHosts: readonly string[] = []): (host: string) => boolean {
  const everywhere = boundHost === "0.0.0.0" || boundHost === "::";
  const names = new Set(
    ["localhost", "127.0.0.1", "[::1]", bracketed(boundHost), ...allowedHosts.map(bracketed)].map((name) => name.toLowerCase()),
  );
  return (host) => {
    const name = hostname(host);
    if (name === undefined) return false;
    return names.has(name) || (everywhere && isIP(name.replace(/^\[|\]$/g, "")) !== 0);
  };
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function hostname(host: string): string | undefined {
  if (/[/@?#\\]/.test(host)) return undefined;
  try {
    return new URL(`http://${host}`).hostname.toLowerCase();
  } catch {
    return undefined;
  }
}
