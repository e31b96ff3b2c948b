/** Requests as they are written: `fetch` and `node:http` correct paths and refuse headers that others send. */
import { connect } from "node:net";

export interface RawAnswer {
  /** 0 when the connection ended without one. */
  readonly status: number;
  readonly text: string;
}

/** Sends bytes and reads until the server ends the connection, which it is asked for. */
export function rawRequest(
  address: string,
  path: string,
  {
    method = "GET",
    headers = {},
    body = "",
  }: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  } = {},
): Promise<RawAnswer> {
  const bytes = Buffer.from(body);
  const length = method === "GET" || method === "HEAD" ? {} : { "content-length": String(bytes.length) };
  const lines = Object.entries({ host: "localhost", ...length, connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    let text = "";
    const end = () => resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      // Some headers make the server keep the connection.
      socket.setTimeout(200);
    });
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", end);
    socket.write(Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]));
  });
}
