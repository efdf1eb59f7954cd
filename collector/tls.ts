import { readFileSync } from "node:fs";
import { createSecureContext, type SecureVersion } from "node:tls";
import { LearnError, messageOf } from "../src/base/error.ts";
import type { Limits } from "./limits.ts";

/** Certificate chain and private key in PEM. */
export interface TlsKeys {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Undefined when neither file is named. Throws "invalid" for one without the other, and for files that cannot be read or do not fit. */
export function readTlsKeys(config: {
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
}): TlsKeys | undefined {
  const { tlsCertFile, tlsKeyFile } = config;
  if (tlsCertFile === undefined && tlsKeyFile === undefined) return undefined;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    const [given, missing] = tlsKeyFile === undefined ? ["tlsCertFile", "tlsKeyFile"] : ["tlsKeyFile", "tlsCertFile"];
    throw new LearnError("invalid", `${given} is set and ${missing} is not`, { hint: "set both: --tls-cert-file and --tls-key-file" });
  }
  const keys = { cert: readPem("tlsCertFile", tlsCertFile), key: readPem("tlsKeyFile", tlsKeyFile) };
  try {
    createSecureContext(keys);
  } catch (cause) {
    throw new LearnError("invalid", `TLS cannot use ${tlsCertFile} with ${tlsKeyFile}: ${messageOf(cause)}`, {
      hint: "give a PEM certificate chain and the unencrypted PEM key that belongs to it",
      cause,
    });
  }
  return keys;
}

/** What a TLS server is started with: nothing older than TLS 1.2, and a handshake is as bounded as headers are. */
export function tlsServerOptions(
  keys: TlsKeys,
  limits: Limits,
): TlsKeys & { readonly minVersion: SecureVersion; readonly handshakeTimeout: number } {
  return { ...keys, minVersion: "TLSv1.2", handshakeTimeout: limits.headersTimeoutMs };
}

function readPem(what: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new LearnError("invalid", `${what} cannot be read: ${messageOf(cause)}`, { hint: "check the path and the rights on it", cause });
  }
}
