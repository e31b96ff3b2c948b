/** Lists of image addresses: one `id address` a line, with spaces or tabs between. */
import { AddressError } from "./address-error.js";
import { parseAddress } from "./hosts.js";

/** What a list says, and how much of it could not be used. */
export interface AddressList {
  /** Address by id; the first one where a list has several. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Lines (from 1) that are no `id address`, or whose address is not http or https. */
  readonly wrongLines: readonly number[];
}

/**
 * Reads a list. Ids are any text without white space: they name a file only where the data set asks for them.
 * @param base what relative addresses are relative to; without it they are wrong.
 */
export function parseAddressList(text: string, base?: URL): AddressList {
  const addresses = new Map<string, string>();
  const wrongLines: number[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "") continue;
    const [, id, address] = /^\s*(\S+)\s+(\S+)\s*$/.exec(line) ?? [];
    const url = address === undefined ? undefined : addressOrUndefined(address, base);
    if (id === undefined || url === undefined) wrongLines.push(index + 1);
    else if (!addresses.has(id)) addresses.set(id, url.href);
  }
  return { addresses, wrongLines };
}

function addressOrUndefined(text: string, base: URL | undefined): URL | undefined {
  try {
    return parseAddress(text, base);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}
