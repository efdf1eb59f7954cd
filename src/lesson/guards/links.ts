import { LINK } from "../clean-text.ts";
import { visible } from "./fold.ts";
import { ALLOW, type Guard, quarantine, refuse, textsOf } from "./guard.ts";

// Names that are hosts by their last label, those of tests and internal nets among them; a file, a module or a column that ends otherwise is none.
const HOST =
  /(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,6}(?:com|net|org|info|biz|dev|app|cloud|xyz|top|site|online|tech|ru|cn|de|fr|uk|eu|us|nl|pl|br|in|jp|ch|tk|gg|me|co|ai|example|invalid|internal|local|corp|lan|onion)(?![\w(-]|\.\w)/;
const ADDRESS = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])/;
// Written around the guard for a reader who puts it together again.
const SPELT = /\bhxxps?\b|\[\.\]|\(dot\)|\[dot\]|\b[a-z0-9-]{2,40} dot (?:[a-z0-9-]{2,40} dot )?(?:com|net|org|io|dev|ru|cn|example|xyz)\b/;

/** Nowhere to send anything: no URL, host, address or mailbox. */
export const linksGuard: Guard = {
  name: "links",
  check: ({ lesson }) => {
    const texts = textsOf(lesson);
    if (texts.some((text) => LINK.test(text))) return refuse("contains a URL or an e-mail address");
    for (const text of texts) {
      const folded = visible(text);
      const found = LINK.exec(folded) ?? HOST.exec(folded) ?? ADDRESS.exec(folded) ?? SPELT.exec(folded);
      if (found !== null) return quarantine(`names a host or an address: ${JSON.stringify(found[0].slice(0, 60))}`);
    }
    return ALLOW;
  },
};
