/** Says what went wrong, and asks again: on request, when the service said so, or when the network is back. */
import { useEffect, useState } from "react";
import type { Failure } from "../api/failure.js";

/** Then only the shopper asks again. */
const mostAutomatic = 5;

interface FailureNoticeProps {
  readonly failure: Failure;
  /** Failures in a row so far. */
  readonly failures: number;
  readonly onRetry: () => void;
}

export function FailureNotice({ failure, failures, onRetry }: FailureNoticeProps) {
  const { kind, status, code, message, requestId, retryAfterS } = failure;
  const waitS = retryAfterS !== undefined && failures <= mostAutomatic ? retryAfterS : undefined;
  useRetryWhenOnline(kind === "unreachable", onRetry);
  return (
    <div className="notice" role="alert">
      <h2>{titleOf(failure)}</h2>
      <p>{message}</p>
      {kind !== "upload gone" && (
        <p className="notice-actions">
          <button type="button" className="button primary" onClick={onRetry}>
            Try again
          </button>
          {waitS !== undefined && <Countdown key={failures} seconds={waitS} onEnd={onRetry} />}
        </p>
      )}
      {(code !== undefined || requestId !== undefined) && (
        <p className="small soft">
          For the shop’s staff: {[code, status].filter(Boolean).join(", ")}
          {requestId !== undefined && (
            <>
              , request <code>{requestId}</code>
            </>
          )}
        </p>
      )}
    </div>
  );
}

function titleOf({ kind, status }: Failure): string {
  if (kind === "upload gone") return "The picture is not here";
  if (kind === "unreachable") return navigator.onLine ? "The shop cannot be reached" : "You are offline";
  if (status === 429) return "A little too fast";
  if (status === 503) return "The shop is busy";
  return status !== undefined && status >= 500
    ? "Something went wrong in the shop"
    : "This search does not work";
}

function Countdown({ seconds, onEnd }: { readonly seconds: number; readonly onEnd: () => void }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) {
      onEnd();
      return undefined;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left, onEnd]);
  return <span className="soft">Asks again by itself in {left} s</span>;
}

function useRetryWhenOnline(isWanted: boolean, onRetry: () => void): void {
  useEffect(() => {
    if (!isWanted) return undefined;
    window.addEventListener("online", onRetry);
    return () => window.removeEventListener("online", onRetry);
  }, [isWanted, onRetry]);
}
