/** A client that sends bytes as it likes, and may stop anywhere. */
import { connect, type Socket } from "node:net";

export interface RawClient {
  readonly socket: Socket;
  /** What came back so far. */
  text(): string;
  /** Status of the first answer; 0 before one. */
  status(): number;
  /** Resolves once the first answer's head is here, or the connection ended. */
  readonly answered: Promise<void>;
  /** Resolves once the connection ended. */
  readonly closed: Promise<void>;
}

/** Connects and sends; `from` is the client's own address. */
export function rawClient(
  address: string,
  bytes: string | Uint8Array,
  { from = "127.0.0.1" }: { readonly from?: string } = {},
): RawClient {
  const socket = connect({ port: Number(new URL(address).port), host: "127.0.0.1", localAddress: from });
  let text = "";
  const status = () => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const head = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) resolve();
    });
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  return { socket, text: () => text, status, answered: Promise.race([head, closed]), closed };
}
