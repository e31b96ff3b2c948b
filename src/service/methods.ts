/** Methods beside those that routes name: `HEAD` is `GET`, `OPTIONS` says what there is, every other one is refused with the same list. */
import { METHODS } from "node:http";
import { RequestError } from "../errors.js";
import type { ServiceApp } from "./service-app.js";

/** Node.js has another event for it, and ends the connection. */
const isConnect = (method: string): boolean => method === "CONNECT";

/**
 * Call before any route is there.
 * @returns what answers `OPTIONS` and refuses the rest for the routes that were added since; call it after the last one.
 */
export function otherMethods(app: ServiceApp): () => void {
  const urls = new Set<string>();
  app.addHook("onRoute", (route) => {
    urls.add(route.url);
    // The start of a plugin's addresses is there with a slash too.
    if (route.routePath === "") urls.add(`${route.url}/`);
    // One route with all its hooks, so that both say the same; Node.js leaves the body out.
    if (route.method === "GET") route.method = ["GET", "HEAD"];
  });
  return () => {
    for (const method of METHODS) {
      if (!isConnect(method) && !app.supportedMethods.includes(method)) app.addHttpMethod(method);
    }
    for (const url of [...urls]) refuseOthers(app, url);
  };
}

function refuseOthers(app: ServiceApp, url: string): void {
  const others = app.supportedMethods.filter((method) => !app.hasRoute({ method, url }));
  const allow = app.supportedMethods
    .filter((method) => method === "OPTIONS" || !others.includes(method))
    .sort()
    .join(", ");
  const known = { url, config: { access: "open" as const }, schema: { hide: true } };
  app.route({
    ...known,
    method: "OPTIONS",
    handler: async (_, reply) => reply.code(204).header("allow", allow).send(),
  });
  app.route({
    ...known,
    method: others.filter((method) => method !== "OPTIONS"),
    // Before the body is looked at, whatever it is.
    async onRequest({ method }, reply) {
      reply.header("allow", allow);
      throw new RequestError("METHOD_NOT_ALLOWED", `this address has no ${method}; it has ${allow}`);
    },
    handler: async () => undefined,
  });
}
