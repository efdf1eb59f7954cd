import { readFileSync } from "node:fs";
import { request } from "node:https";
import { fileURLToPath } from "node:url";
import type { TlsKeys } from "../../collector/tls.ts";

const file = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** A certificate that signs itself, for localhost and 127.0.0.1. Nobody trusts it. */
export const CERT_FILE: string = file("cert.pem");
export const KEY_FILE: string = file("key.pem");
/** Of another certificate. */
export const OTHER_KEY_FILE: string = file("other-key.pem");

export function testKeys(): TlsKeys {
  return { cert: readFileSync(CERT_FILE), key: readFileSync(KEY_FILE) };
}

/** fetch, for a server with that certificate. */
export function secureFetch(
  url: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {},
): Promise<{ readonly status: number; readonly text: string; readonly protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca: readFileSync(CERT_FILE), agent: false }, (response) => {
      const protocol = (response.socket as { getProtocol?: () => string | null }).getProtocol?.() ?? null;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), protocol }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
