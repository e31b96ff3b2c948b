/** Pictures that are dropped anywhere on the page, or pasted. */
import { useEffect, useEffectEvent, useState } from "react";
import { pictureIn } from "./prepare-picture.js";

/** Is a file over the page? */
export function usePictureDrop(onFile: (file: Blob) => void): boolean {
  const [isOver, setOver] = useState(false);
  const take = useEffectEvent(onFile);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const onDragOver = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onDragLeave = (event: DragEvent) => {
      // Without a related target the pointer left the window, not just an element.
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(false);
      const file = pictureIn(event.dataTransfer) ?? event.dataTransfer?.files[0];
      if (file !== undefined) take(file);
    };
    const onPaste = (event: ClipboardEvent) => {
      const file = pictureIn(event.clipboardData);
      // Text programs put a picture of the text beside it; then the text is meant.
      if (file === undefined || event.clipboardData?.types.includes("text/plain")) return;
      event.preventDefault();
      take(file);
    };
    document.addEventListener("dragover", onDragOver);
    document.addEventListener("dragleave", onDragLeave);
    document.addEventListener("drop", onDrop);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("dragover", onDragOver);
      document.removeEventListener("dragleave", onDragLeave);
      document.removeEventListener("drop", onDrop);
      document.removeEventListener("paste", onPaste);
    };
  }, []);
  return isOver;
}
