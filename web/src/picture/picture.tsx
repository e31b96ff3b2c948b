/** A picture of the service's, also where pictures need the key that an <img> cannot send. */
import { useEffect, useState } from "react";
import { getPicture } from "../api/client.js";
import { useReadKey } from "../api/read-key.js";

interface PictureProps {
  /** Address on the service. */
  readonly url: string;
  /** "" where the words beside it say the same. */
  readonly alt: string;
  readonly isLazy?: boolean;
}

export function Picture({ url, alt, isLazy = false }: PictureProps) {
  const { key } = useReadKey();
  return key === undefined ? (
    <Shown key={url} src={url} alt={alt} isLazy={isLazy} />
  ) : (
    <FetchedPicture key={`${key} ${url}`} url={url} alt={alt} />
  );
}

function FetchedPicture({ url, alt }: Omit<PictureProps, "isLazy">) {
  const [src, setSrc] = useState<string>();
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    let made: string | undefined;
    getPicture(url, abort.signal).then(
      (blob) => {
        if (abort.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setSrc(made);
      },
      () => setMissing(!abort.signal.aborted),
    );
    return () => {
      abort.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [url]);
  if (isMissing) return <MissingPicture alt={alt} />;
  return src === undefined ? <span className="picture-wait" /> : <Shown src={src} alt={alt} />;
}

interface ShownProps {
  readonly src: string;
  readonly alt: string;
  readonly isLazy?: boolean;
}

function Shown({ src, alt, isLazy = false }: ShownProps) {
  const [isMissing, setMissing] = useState(false);
  if (isMissing) return <MissingPicture alt={alt} />;
  return (
    <img
      src={src}
      alt={alt}
      loading={isLazy ? "lazy" : "eager"}
      decoding="async"
      draggable={false}
      onError={() => setMissing(true)}
    />
  );
}

function MissingPicture({ alt }: { readonly alt: string }) {
  return (
    <span className="picture-missing">
      no picture<span className="visually-hidden">: {alt}</span>
    </span>
  );
}
