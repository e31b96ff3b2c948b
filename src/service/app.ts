/** The HTTP side of a service: plugins, limits, errors, and the routes. */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import fastifyHelmet from "@fastify/helmet";
import fastifyMultipart from "@fastify/multipart";
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { wellFormed } from "../catalogue/normal-text.js";
import { RequestError, UsageError } from "../errors.js";
import type { ApiError } from "./api.js";
import { serviceLimits } from "./api.js";
import { compressText } from "./compressed.js";
import { errorAnswer } from "./error-answers.js";
import { type GuardOptions, guard } from "./guard.js";
import type { HostNames } from "./host-names.js";
import { otherMethods } from "./methods.js";
import { openApi } from "./openapi.js";
import { logRequests } from "./request-log.js";
import { catalogueRoute } from "./routes/catalogue.js";
import { healthRoutes } from "./routes/health.js";
import { itemWriteRoutes } from "./routes/item-writes.js";
import { itemRoutes } from "./routes/items.js";
import { searchRoute } from "./routes/search.js";
import { suggestionsRoute } from "./routes/suggestions.js";
import { webPageRoutes } from "./routes/web-page.js";
import type { ServiceApp } from "./service-app.js";
import type { ServiceParts } from "./service-parts.js";
import { answerUnchanged } from "./unchanged.js";

/** Where log lines go. */
export interface LogOptions {
  readonly level: string;
  readonly stream: NodeJS.WritableStream;
}

/** Percent signs make three characters of a byte, and a character has up to four bytes. */
const longestParam = serviceLimits.nameCharacters * 12;

export interface AppOptions {
  readonly parts: ServiceParts;
  readonly guarded: GuardOptions;
  readonly hostNames: HostNames;
  readonly log: LogOptions;
  /** Addresses of reverse proxies whose `X-Forwarded-For` counts. */
  readonly trustProxy: string | false;
}

/** @throws UsageError for addresses of proxies that are none. */
export async function serviceApp({
  parts,
  guarded,
  hostNames,
  log,
  trustProxy,
}: AppOptions): Promise<ServiceApp> {
  const app = emptyApp(parts.timeoutMs, log, trustProxy);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.removeContentTypeParser("text/plain");
  logRequests(app, parts.metrics);
  parts.load.bodies.watch(app);
  app.addHook("onRequest", async ({ raw }) => hostNames.require(raw));
  app.addHook("onRequest", async (request) => {
    if (parts.isStopping() && !request.routeOptions.config.isQuiet) {
      throw new RequestError(
        "NOT_READY",
        "the service is stopping; ask another one, or again when it is back",
      );
    }
  });
  await app.register(fastifyHelmet, {
    // The page's own scripts and styles; pictures also from memory. Transport is the reverse proxy's matter.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "blob:", "data:"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: false,
  });
  const answerOtherMethods = otherMethods(app);
  await compressText(app);
  answerUnchanged(app);
  await guard(app, guarded);
  await app.register(fastifyMultipart);
  await openApi(app);
  searchRoute(app, parts);
  itemRoutes(app, parts);
  itemWriteRoutes(app, parts);
  catalogueRoute(app, parts);
  suggestionsRoute(app, parts);
  healthRoutes(app, parts);
  await webPageRoutes(app, parts);
  answerOtherMethods();
  app.setNotFoundHandler((request, reply) => {
    const body: ApiError = {
      error: {
        code: "NOT_FOUND",
        message: "there is nothing at this address; see /docs",
        requestId: request.id,
      },
    };
    return reply.code(404).send(body);
  });
  return app;
}

function emptyApp(timeoutMs: number, log: LogOptions, trustProxy: string | false): ServiceApp {
  try {
    return Fastify({
      bodyLimit: serviceLimits.jsonBytes,
      requestTimeout: timeoutMs,
      connectionTimeout: 4 * timeoutMs,
      // The names that a request may be sent to are checked with all others: see host-names.ts.
      http: { requireHostHeader: false },
      return503OnClosing: false,
      exposeHeadRoutes: false,
      trustProxy,
      genReqId: () => randomUUID(),
      // Of the server as a whole: no address, and not the page's.
      rewriteUrl: ({ url = "/" }) => (url === "*" ? "/*" : url),
      routerOptions: { maxParamLength: longestParam },
      logger: {
        level: log.level,
        stream: log.stream,
        base: null,
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (level) => ({ level }) },
        // Never the request itself: addresses may have words of a query.
        serializers: { req: () => ({}), res: () => ({}) },
      },
      logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
      clientErrorHandler: refuseConnection,
      frameworkErrors: answerError,
    }).withTypeProvider<ZodTypeProvider>();
  } catch (cause) {
    if (!(cause instanceof TypeError && cause.message.startsWith("invalid IP address"))) throw cause;
    throw new UsageError(`service: proxies must be addresses or ranges with commas; got ${trustProxy}`, {
      cause,
    });
  }
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, code, message, retryAfterSeconds, isServers } = errorAnswer(error);
  request.errorCode = code;
  if (isServers) request.log.error({ err: error, code }, "failed");
  if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
  // A client that is cut off while it sends does not read the answer: let it send to its end, to nowhere.
  if (status === 413) reply.removeHeader("connection");
  // Its body would still be waited for.
  if (status === 408) reply.header("connection", "close");
  if (status === 401) reply.header("www-authenticate", "Bearer");
  // Messages quote what was sent.
  const body: ApiError = { error: { code, message: wellFormed(message), requestId: request.id } };
  return reply.code(status).type("application/json; charset=utf-8").send(body);
}

/** What is no HTTP never becomes a request. */
function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return;
  const status =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const reason = STATUS_CODES[status] ?? "";
  const body = JSON.stringify({ error: { code: "INPUT_INVALID", message: reason, requestId: randomUUID() } });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
