/** Asks the service, with the shopper's own picture where the search starts from one. */
import { postSearch } from "../api/client.js";
import { Failure } from "../api/failure.js";
import { uploadName } from "../state/requests.js";
import type { Ask } from "../state/search-runner.js";
import { findUpload } from "./uploads.js";
import { rememberItems } from "./use-reference.js";

export const askService: Ask = async (request, { step }, signal) => {
  const uploads = new Map<string, Blob>();
  if (step.reference?.kind === "upload") {
    const picture = await findUpload(step.reference.key);
    if (picture === undefined) {
      throw new Failure(
        "upload gone",
        "This search began with somebody’s own picture, and a link cannot hold one. Choose the picture again.",
      );
    }
    uploads.set(uploadName, picture);
  }
  const answer = await postSearch(request, uploads, signal);
  rememberItems(answer.items.map(({ item }) => item));
  return answer;
};
