/** Opens a service's address, and tells an operator what to know of it. */
import { EnvironmentError, UsageError } from "../errors.js";
import { codeOf } from "../files/errno.js";
import { isLoopback } from "./host-names.js";
import type { ServiceApp } from "./service-app.js";

/** @returns the address. @throws EnvironmentError, UsageError when it cannot be had. */
export async function listen(app: ServiceApp, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ port, host });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
}

function cannotListen(host: string, port: number, cause: unknown): unknown {
  const code = codeOf(cause) ?? "";
  const where = `${host}:${port}`;
  if (code === "EADDRINUSE") {
    return new EnvironmentError(`${where}: another program listens there; got ${code}; choose another port`, {
      cause,
    });
  }
  if (code === "EACCES") {
    return new EnvironmentError(
      `${where}: this user may not listen there; got ${code}; choose a port from 1024`,
      {
        cause,
      },
    );
  }
  if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EINVAL"].includes(code)) {
    return new UsageError(
      `${host}: must be an address of this machine; got ${code}; 127.0.0.1 and 0.0.0.0 always are`,
      {
        cause,
      },
    );
  }
  return cause;
}

/** What an operator should know who opens the service to others. */
export function risks({
  host,
  requireReadKey,
  isWritable,
}: {
  readonly host: string;
  readonly requireReadKey: boolean;
  readonly isWritable: boolean;
}): readonly string[] {
  if (isLoopback(host)) return [];
  return [
    ...(requireReadKey ? [] : ["whoever reaches this address may search: no key is required for reading"]),
    ...(requireReadKey || isWritable
      ? ["keys cross the network as plain HTTP: put a reverse proxy with TLS in front"]
      : []),
  ];
}
