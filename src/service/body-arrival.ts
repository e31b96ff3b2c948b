/** Ends requests whose body does not arrive, and stops reading the body of a request that is over. */
import type { IncomingMessage } from "node:http";
import { RequestError } from "../errors.js";
import type { ServiceApp } from "./service-app.js";

/** Slower than any phone; who sends more slowly holds a connection for nothing. */
const leastBytesPerSecond = 1024;

export class BodyArrivals {
  readonly #windowMs: number;
  #waiting = 0;

  /** @param windowMs in which some of a body must come. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Bodies that are still to come. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Watches every request's body. A client whose body does not come is told so, and its connection ends. */
  watch(app: ServiceApp): void {
    app.addHook("onRequest", (request, reply, done) => {
      const { raw } = request;
      if (hasBody(raw)) {
        this.#watchOne(raw, () => reply.sent);
        reply.raw.once("close", () => {
          // Whoever still reads would wait for good: Node.js ends no request that was answered.
          endReading(raw, new RequestError("TIMEOUT", "body: its request was over before it had come"));
        });
      }
      done();
    });
  }

  #watchOne(raw: IncomingMessage, isAnswered: () => boolean): void {
    const { socket } = raw;
    const windowMs = this.#windowMs;
    let before = socket.bytesRead;
    this.#waiting += 1;
    const check = () => {
      const arrived = socket.bytesRead - before;
      before = socket.bytesRead;
      if (raw.complete || socket.destroyed) stop();
      else if (arrived < (leastBytesPerSecond * windowMs) / 1000) {
        stop();
        const message = `the body does not advance: ${arrived} bytes of it came within ${windowMs / 1000} s; send it without a break`;
        if (isAnswered() || !endReading(raw, new RequestError("BODY_TIMEOUT", message))) socket.destroy();
      }
    };
    // After a pause of this process, timers come first and what waits in the socket second: look after both.
    const timer = setInterval(() => setImmediate(check), windowMs);
    timer.unref();
    let isWatching = true;
    const stop = () => {
      if (!isWatching) return;
      isWatching = false;
      clearInterval(timer);
      socket.off("close", stop);
      this.#waiting -= 1;
    };
    raw.once("end", stop);
    socket.once("close", stop);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/**
 * Fails the reading of a body; `destroy` would end the connection, and with it the answer.
 * @returns false when nobody reads it.
 */
export function endReading(raw: IncomingMessage, error: RequestError): boolean {
  return raw.listenerCount("error") > 0 && raw.emit("error", error);
}
