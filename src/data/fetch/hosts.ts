/** Which hosts may be asked: public ones, and private ones that the user named. */
import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { AddressError } from "./address-error.js";

/** Addresses that do not belong to a host of the public internet (IANA's special-purpose registries). */
const privateIpv4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
const privateIpv6 = ["::/128", "::1/128", "2002::/16", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "ff00::/8"];

const privateAddresses = new BlockList();
for (const range of privateIpv4) {
  const [start = "", bits = ""] = range.split("/");
  privateAddresses.addSubnet(start, Number(bits), "ipv4");
  // The same host through NAT64.
  privateAddresses.addSubnet(`64:ff9b::${start}`, 96 + Number(bits), "ipv6");
}
for (const range of privateIpv6) {
  const [start = "", bits = ""] = range.split("/");
  privateAddresses.addSubnet(start, Number(bits), "ipv6");
}

/** Is it an address of this machine, of a local network, or of no single host? IPv4 inside IPv6 counts too. */
export function isPrivateAddress(ip: string): boolean {
  const family = isIP(ip);
  return family === 0 || privateAddresses.check(ip, family === 6 ? "ipv6" : "ipv4");
}

/** Host of an address as look-ups know it: without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/**
 * Parses an address.
 * @param base what a relative one is relative to.
 * @throws AddressError (refused) unless it is http or https.
 */
export function parseAddress(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw new AddressError(text, "refused", "is not an address");
  const url = new URL(text, base);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new AddressError(text, "refused", `only http and https are fetched; got ${url.protocol}`);
}

/**
 * A look-up that refuses names of private hosts unless they are in `allowed`. It is the look-up that the connection
 * uses, so a name cannot change its mind between the check and the connection.
 */
export function guardedLookup(allowed: ReadonlySet<string>): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, "");
      const hidden = found.find(({ address }) => isPrivateAddress(address));
      if (hidden !== undefined && !allowed.has(host))
        return callback(privateHostError(host, hidden.address), "");
      if (options.all) return callback(null, found);
      const [first] = found;
      return callback(null, first?.address ?? "", first?.family ?? 4);
    });
  };
}

/** Hosts that are numbers are never looked up. @throws AddressError (refused) when it is a private one. */
export function refusePrivateNumber(url: URL, allowed: ReadonlySet<string>): void {
  const host = hostOf(url);
  if (isIP(host) !== 0 && isPrivateAddress(host) && !allowed.has(host))
    throw privateHostError(url.href, host);
}

function privateHostError(where: string, ip: string): AddressError {
  return new AddressError(
    where,
    "refused",
    `leads to a private host (${ip}); if it is yours, name it with --base-url or --allow-host`,
  );
}
