/** Makes of a file that a shopper gives a picture that the service takes, and small enough to be sent often. */
import { Failure } from "../api/failure.js";

/** What the service reads. */
const accepted: readonly string[] = ["image/jpeg", "image/png", "image/webp"];
/** For file choosers: phones then turn their own formats into one of these. */
export const acceptedTypes = accepted.join(",");
/** Files up to this size go as they are; a photo from a phone is ten times as large. */
const smallBytes = 500_000;
const smallPx = 2048;
/** Longer side of pictures that are made smaller; models look at 224 px or less. */
const longestPx = 1024;
const jpegQuality = 0.92;

/**
 * The file itself when it is small and of a kind that the service reads; otherwise a JPEG of at most 1024 px of whatever
 * the browser can show.
 * @throws Failure when the browser cannot read it as a picture.
 */
export async function preparePicture(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) {
    throw new Failure(
      "refused",
      "This file is not a picture that can be read. Choose a JPEG, PNG or WebP file.",
    );
  }
  try {
    const isSmall = file.size <= smallBytes && Math.max(bitmap.width, bitmap.height) <= smallPx;
    if (accepted.includes(file.type) && isSmall) return file;
    return await drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

async function drawn(bitmap: ImageBitmap): Promise<Blob> {
  const scale = Math.min(1, longestPx / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (context === null) throw new Failure("refused", "This browser cannot draw the picture smaller.");
  context.fillStyle = "#fff"; // JPEG has no transparency; shops' pictures stand on white.
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", jpegQuality);
  });
  if (blob === null) throw new Failure("refused", "This browser cannot write the picture as JPEG.");
  return blob;
}

/** The first picture among what was dropped or pasted. */
export function pictureIn(transfer: DataTransfer | null): File | undefined {
  return [...(transfer?.files ?? [])].find(({ type }) => type.startsWith("image/"));
}
