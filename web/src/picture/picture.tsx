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
  readonly className?: string;
}

export function Picture({ url, alt, isLazy = false, className }: PictureProps) {
  const { key } = useReadKey();
  return key === undefined ? (
    <Shown key={url} src={url} alt={alt} isLazy={isLazy} className={className} />
  ) : (
    <FetchedPicture key={`${key} ${url}`} url={url} alt={alt} className={className} />
  );
}

function FetchedPicture({ url, alt, className }: Omit<PictureProps, "isLazy">) {
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
  return src === undefined ? <span className="picture-wait" /> : <Shown src={src} alt={alt} className={className} />;
}

interface ShownProps {
  readonly src: string;
  readonly alt: string;
  readonly isLazy?: boolean;
  readonly className?: string | undefined;
}

function Shown({ src, alt, isLazy = false, className }: ShownProps) {
  const [isMissing, setMissing] = useState(false);
  if (isMissing) return <MissingPicture alt={alt} />;
  return (
    <img
      src={src}
      alt={alt}
      className={className}
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
