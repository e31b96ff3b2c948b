/** A real HTTP server on this machine whose answers a test decides. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface LocalServer {
  /** `http://127.0.0.1:port/` */
  readonly url: string;
  readonly port: number;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Sets what a path answers; others answer 404. */
  on(path: string, answer: Answer): void;
  /** Sets a path that answers with this content. */
  serve(path: string, content: string | Uint8Array): void;
  close(): Promise<void>;
}

export async function startLocalServer(): Promise<LocalServer> {
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const answer = answers.get(path);
    if (answer) answer(request, response);
    else response.writeHead(404).end("no such thing");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    asked,
    on: (path, answer) => answers.set(path, answer),
    serve: (path, content) => answers.set(path, (_, response) => response.end(content)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Announces more than it sends, and closes the connection. */
export function truncated(content: Uint8Array): Answer {
  return (_, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, content.length >> 1), () => response.destroy());
  };
}

/** Sends the beginning, and then nothing more. */
export function stalling(content: Uint8Array): Answer {
  return (_, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, content.length >> 1));
  };
}

export function redirect(location: string, status = 302): Answer {
  return (_, response) => response.writeHead(status, { location }).end();
}

/** The first answers in turn, then the last one for ever. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let count = 0;
  return (request, response) => {
    answers[Math.min(count, answers.length - 1)]?.(request, response);
    count += 1;
  };
}

/** A file that can be fetched in parts, as static servers do. */
export function resumable(content: Uint8Array, etag: string): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const isSame = request.headers["if-range"] === etag;
    if (start > 0 && isSame && start >= content.length) {
      response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    } else if (start > 0 && isSame) {
      const rest = content.subarray(start);
      const range = `bytes ${start}-${content.length - 1}/${content.length}`;
      response.writeHead(206, { etag, "content-range": range, "content-length": rest.length }).end(rest);
    } else response.writeHead(200, { etag, "content-length": content.length }).end(content);
  };
}
