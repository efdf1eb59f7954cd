import { createHash, timingSafeEqual } from "node:crypto";

/** Tells whether an Authorization header carries the token. Without a token everything passes. Takes the same time wherever they differ. */
export function createBearerCheck(token: string | undefined): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => true;
  const expected = sha256(token);
  return (authorization) => {
    const given = /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(sha256(given.trim()), expected);
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
