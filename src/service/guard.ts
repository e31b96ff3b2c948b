/** Who asks, how often, and whether they may: before anything of a request's body is read. */
import fastifyRateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyReply, FastifyRequest } from "fastify";
import { RequestError } from "../errors.js";
import type { Key, KeyRing } from "./keys.js";
import type { Load } from "./load.js";
import type { ModelTime } from "./model-time.js";
import type { ServiceApp } from "./service-app.js";
import type { Slots } from "./slots.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose key came with the request. */
    caller: Key | undefined;
    /** Where a caller without a key is: what each address may take is bounded. */
    anonymousAddress: string | undefined;
  }
}

export interface GuardOptions {
  /** The keys of the moment. */
  readonly keys: () => KeyRing;
  readonly requireReadKey: boolean;
  /** Does the service write at all? */
  readonly isWritable: boolean;
  /** Searches and writes a minute. */
  readonly ratePerAddress: number;
  readonly ratePerKey: number;
  readonly load: Load;
}

/** Reading items, thumbnails and files costs little: a page of answers is a search and dozens of these. */
const cheapFactor = 20;
const minuteMs = 60_000;
/** Callers counted at a time; the longest silent ones are forgotten. */
const countedCallers = 10_000;

/** Adds the check to every route that is registered after. */
export async function guard(app: ServiceApp, options: GuardOptions): Promise<void> {
  const { ratePerAddress, ratePerKey, load } = options;
  app.decorateRequest("caller", undefined);
  app.decorateRequest("anonymousAddress", undefined);
  await app.register(fastifyRateLimit, { global: false, cache: countedCallers });
  const limiter = (factor: number) =>
    app.createRateLimit({
      timeWindow: minuteMs,
      keyGenerator: ({ caller, anonymousAddress }) =>
        caller ? `key ${caller.name}` : `address ${anonymousAddress}`,
      max: ({ caller }) => factor * (caller ? ratePerKey : ratePerAddress),
    });
  const limiters = { costly: limiter(1), cheap: limiter(cheapFactor) };
  app.addHook("onRequest", async (request, reply) => {
    const { access = "open", isCostly = false, isQuiet = false } = request.routeOptions.config;
    if (access === "open" && isQuiet) return;
    const presented = keyIn(request);
    request.caller = presented === undefined ? undefined : options.keys().find(presented);
    request.anonymousAddress = request.caller ? undefined : normalizeIP(request.ip);
    await requireRate(request, limiters[isCostly ? "costly" : "cheap"]);
    if (isCostly) requireModelTime(request, load.modelTime);
    else takeAnswer(request, reply, load.answers);
    if (access !== "open")
      requireRight(request, { ...options, access, isPresented: presented !== undefined });
  });
}

/** `Authorization: Bearer <key>`; other schemes are a reverse proxy's. */
function keyIn({ headers: { authorization } }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}

type Limiter = ReturnType<ServiceApp["createRateLimit"]>;

async function requireRate(request: FastifyRequest, limiter: Limiter): Promise<void> {
  const rate = await limiter(request);
  if (rate.isAllowed || !rate.isExceeded) return;
  throw new RequestError(
    "RATE_LIMITED",
    `at most ${rate.max} requests of this kind a minute are answered; ask again in ${rate.ttlInSeconds} s`,
    { retryAfterSeconds: rate.ttlInSeconds },
  );
}

function requireModelTime({ anonymousAddress }: FastifyRequest, modelTime: ModelTime): void {
  const retryAfterSeconds =
    anonymousAddress === undefined ? 0 : Math.ceil(modelTime.waitMs(anonymousAddress) / 1000);
  if (retryAfterSeconds === 0) return;
  throw new RequestError(
    "MODEL_TIME_LIMITED",
    `this address has used its ${modelTime.perMinuteMs / 1000} s of the model's time a minute; ask again in ${retryAfterSeconds} s`,
    { retryAfterSeconds },
  );
}

/** From now until the answer's last byte was sent, or the connection ended. */
function takeAnswer({ anonymousAddress }: FastifyRequest, reply: FastifyReply, answers: Slots): void {
  if (anonymousAddress === undefined) return;
  const { take, release } = answers.hold(anonymousAddress);
  take(1);
  reply.raw.once("close", release);
}

interface Asked extends GuardOptions {
  readonly access: "read" | "write";
  readonly isPresented: boolean;
}

function requireRight(
  { caller }: FastifyRequest,
  { access, isPresented, isWritable, requireReadKey }: Asked,
): void {
  if (isPresented && caller === undefined) {
    throw new RequestError(
      "KEY_INVALID",
      "the key is not known, was withdrawn, or has expired; ask the operator for another",
    );
  }
  if (access === "write" && !isWritable) {
    throw new RequestError(
      "NOT_ALLOWED",
      "this service only reads: it was started without a key that may write; start it with --keys and a file with such a key",
    );
  }
  if (caller === undefined && (access === "write" || requireReadKey)) {
    throw new RequestError("KEY_NEEDED", "a key is needed; send it as `Authorization: Bearer <key>`");
  }
  if (access === "write" && caller?.may !== "write") {
    throw new RequestError("NOT_ALLOWED", "this key may read only; use one that may write");
  }
}
