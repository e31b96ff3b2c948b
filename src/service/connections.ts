/** The connections of a server, and which of them have a request under way. */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Node.js's own `closeIdleConnections` leaves those that never sent a request, as browsers keep some. */
export class Connections {
  /** Requests under way by connection. */
  readonly #open = new Map<Socket, number>();

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#open.set(socket, 0);
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("request", ({ socket }, response) => {
      this.#change(socket, 1);
      response.once("close", () => this.#change(socket, -1));
    });
  }

  /** Ends those without a request under way. */
  closeIdle(): void {
    for (const [socket, requests] of this.#open) if (requests === 0) socket.destroy();
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #change(socket: Socket, by: number): void {
    const requests = this.#open.get(socket);
    if (requests !== undefined) this.#open.set(socket, requests + by);
  }
}
