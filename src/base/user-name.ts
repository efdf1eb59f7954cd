import { userInfo } from "node:os";

/** Who runs this process, for histories. "unknown" where the system can't say, as in containers without a passwd entry. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
