/** Names that the service answers to: a web page of another name that leads here (DNS rebinding) is none of them. */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { RequestError, UsageError } from "../errors.js";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** To listen on every address of the machine; a name that nobody should be asked by. */
const anyAddress: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Is it a name or an address by which a machine reaches itself? */
export function isLoopback(name: string): boolean {
  const version = isIP(name);
  return name === "localhost" || (version !== 0 && loopback.check(name, version === 6 ? "ipv6" : "ipv4"));
}

export class HostNames {
  readonly #allowed: ReadonlySet<string>;

  /**
   * @param bound what the service listens on.
   * @param others names that it has besides, without ports.
   * @throws UsageError for what is no name.
   */
  constructor(bound: string, others: readonly string[]) {
    const wrong = others.filter((name) => canonical(name) === undefined);
    if (wrong.length > 0) {
      throw new UsageError(
        `service: --allow-host takes names such as shop.example, without a scheme or a port; got ${wrong.join(", ")}`,
      );
    }
    const names = anyAddress.has(bound) ? others : [bound, ...others];
    this.#allowed = new Set(names.flatMap((name) => canonical(name) ?? []));
  }

  /** @throws RequestError unless the request was sent to one of the names. */
  require({ headersDistinct, url = "", socket }: IncomingMessage): void {
    const [host, ...more] = headersDistinct.host ?? [];
    if (host === undefined || more.length > 0) {
      throw new RequestError(
        "INPUT_INVALID",
        `host: a request has one Host header; got ${more.length === 0 ? "none" : more.length + 1}; send one`,
      );
    }
    // `GET http://name/path` is how proxies are asked; its name counts as much as the header's.
    const target = /^[a-z][a-z\d+.-]*:\/\/([^/?#\\]*)/i.exec(url)?.[1];
    for (const authority of target === undefined ? [host] : [host, target]) {
      const name = nameIn(authority);
      if (name === undefined) {
        throw new RequestError("INPUT_INVALID", "host: must be a name or an address, and may have a port");
      }
      if (isLoopback(name) || this.#allowed.has(name) || name === unmapped(socket.localAddress)) continue;
      throw new RequestError(
        "HOST_NOT_ALLOWED",
        `host: this service does not answer to ${name}; ask it as localhost, or let its operator start it with --allow-host ${name}`,
      );
    }
  }
}

/** The name in `name:port`, in its one form; undefined when it is neither. */
function nameIn(authority: string): string | undefined {
  const name = /^(\[[\da-f:.]+\]|[^\s:]+)(?::\d{0,5})?$/i.exec(authority)?.[1];
  return name === undefined ? undefined : canonical(name);
}

/** Lower case, ASCII, an IPv6 address without brackets: as browsers write names. Undefined for what is no name. */
function canonical(name: string): string | undefined {
  const written = isIP(name) === 6 ? `[${name}]` : name;
  if (name.length > longestName || /[\s/?#@\\]|:(?!.*\]$)/.test(written)) return undefined;
  try {
    const { hostname } = new URL(`http://${written}`);
    return /^(?:\[(.*)\]|([a-z\d._-]+?)\.?)$/.exec(hostname)?.slice(1).find(Boolean);
  } catch {
    return undefined;
  }
}

/** As DNS has it. */
const longestName = 253;

/** `::ffff:10.0.0.1` is 10.0.0.1 on a socket that takes both versions. */
function unmapped(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, "");
}
