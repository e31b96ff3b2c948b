/** The page's files, where it was built. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";

const missing =
  "The service runs, but its page was not built: run `npm run build` where sdfn was installed from its sources.\n" +
  "The interface for programs is described at /docs.\n";

export async function webPageRoutes(app: ServiceApp, { webFolder }: ServiceParts): Promise<void> {
  if (!existsSync(join(webFolder, "index.html"))) {
    app.get("/", { config: { access: "open" }, schema: { hide: true } }, async (_, reply) =>
      reply.code(404).type("text/plain; charset=utf-8").send(missing),
    );
    return;
  }
  await app.register(fastifyStatic, {
    // Each file is a route of its own: what is not there is no address.
    wildcard: false,
    root: webFolder,
    cacheControl: false,
    setHeaders(response, path) {
      // Names below assets/ have a hash of their content.
      const isHashed = path.startsWith(join(webFolder, "assets"));
      response.setHeader("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
}
