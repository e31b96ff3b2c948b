/** A step's reference as a picture. */
import { Picture } from "./picture.js";
import { referenceName, type ShownReference } from "./use-reference.js";

/** Fills what it stands in. */
export function ReferencePicture({ shown }: { readonly shown: ShownReference | undefined }) {
  const alt = `Reference: ${referenceName(shown)}`;
  if (shown === undefined) return <span className="picture-wait" />;
  if (shown.kind === "item") return <Picture url={shown.item.thumbnailUrl} alt={alt} />;
  if (shown.kind === "upload") return <img src={shown.url} alt={alt} draggable={false} />;
  return <span className="picture-missing">picture is gone</span>;
}
