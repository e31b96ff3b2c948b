/** One HTTP GET: redirects, silence and closed connections turned into typed failures. */
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { codeOf } from "../../files/errno.js";
import { AddressError } from "./address-error.js";
import { guardedLookup, parseAddress, refusePrivateNumber } from "./hosts.js";

/** How addresses are asked. */
export interface HttpOptions {
  readonly signal: AbortSignal;
  /** A server that sends nothing for so long is given up. */
  readonly stallMs: number;
  readonly maxRedirects: number;
  /** Private hosts that may be asked all the same, as `hostOf` gives them. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Connections kept open. */
  readonly parallel: number;
}

/** An answer whose body has not been read. */
export interface HttpAnswer {
  /** Where it came from, after redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The bytes as sent; to be read once. @throws AddressError (unavailable) when they stop coming. */
  body(): AsyncGenerator<Buffer>;
  /** Ends the connection without reading. */
  discard(): void;
}

/** Who asks, for servers' logs. */
const userAgent = "sdfn-data-fetch (research data sets; obeys Retry-After)";
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** Asks servers and keeps connections between questions. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #agents: { readonly "http:": http.Agent; readonly "https:": https.Agent };

  constructor(options: HttpOptions) {
    this.#options = options;
    const agent = {
      keepAlive: true,
      maxSockets: options.parallel,
      lookup: guardedLookup(options.allowedHosts),
    };
    this.#agents = { "http:": new http.Agent(agent), "https:": new https.Agent(agent) };
  }

  /**
   * GETs an address, following redirects. Any status but a redirect is an answer.
   * @throws AddressError when there is none; the signal's reason when it is aborted.
   */
  async get(address: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const { maxRedirects } = this.#options;
    let url = parseAddress(address);
    for (let hop = 0; ; hop += 1) {
      const answer = await this.#ask(url, headers);
      const { location } = answer.headers;
      if (!redirectStatuses.has(answer.status) || location === undefined) return answer;
      answer.discard();
      if (hop === maxRedirects) {
        throw new AddressError(
          address,
          "refused",
          `more than ${maxRedirects} redirects; the last led to ${location}`,
        );
      }
      url = parseAddress(location, url);
    }
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #ask(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const { signal, stallMs, allowedHosts } = this.#options;
    refusePrivateNumber(url, allowedHosts);
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const protocol = url.protocol === "https:" ? "https:" : "http:";
      const request = (protocol === "https:" ? https : http).request(url, {
        agent: this.#agents[protocol],
        // Bytes are counted and resumed, so they have to be the file's own.
        headers: { "user-agent": userAgent, "accept-encoding": "identity", ...headers },
        signal,
      });
      let response: IncomingMessage | undefined;
      const timer = setTimeout(() => {
        const error = new AddressError(url.href, "unavailable", `nothing came for ${stallMs / 1000} s`);
        (response ?? request).destroy(error);
      }, stallMs);
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(networkError(error, url, signal));
      });
      request.on("response", (message) => {
        response = message;
        timer.refresh();
        const close = (): void => {
          clearTimeout(timer);
          message.destroy();
        };
        message.once("close", () => clearTimeout(timer));
        message.on("error", () => undefined); // the reader of the body gets it too
        resolve({
          url,
          status: message.statusCode ?? 0,
          headers: message.headers,
          discard: close,
          async *body() {
            try {
              for await (const chunk of message as AsyncIterable<Buffer>) {
                timer.refresh();
                yield chunk;
              }
            } catch (error) {
              throw networkError(error, url, signal);
            } finally {
              close();
            }
          },
        });
      });
      request.end();
    });
  }
}

/** What a failed connection means. Everything with a system's or a parser's code may be better next time. */
function networkError(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof AddressError) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  const reason = code === "ECONNRESET" ? "the connection was cut off" : `cannot be reached; got ${code}`;
  return new AddressError(url.href, "unavailable", reason, { cause: error });
}
