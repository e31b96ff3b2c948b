/** The page's few drawings; all of them stand beside words, so none is read aloud. */
import type { ReactNode } from "react";

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function PictureIcon() {
  return (
    <Icon>
      <rect x="3.5" y="4.5" width="17" height="15" rx="3" />
      <circle cx="9" cy="10" r="1.8" />
      <path d="m4 17 5-4.5 3.5 3 3-2.5L20 16.5" />
    </Icon>
  );
}

export function SearchIcon() {
  return (
    <Icon>
      <circle cx="10.5" cy="10.5" r="6.5" />
      <path d="m15.5 15.5 5 5" />
    </Icon>
  );
}

export function CrossIcon() {
  return (
    <Icon>
      <path d="m6 6 12 12M18 6 6 18" />
    </Icon>
  );
}

export function ArrowIcon() {
  return (
    <Icon>
      <path d="M5 12h14m-5-5 5 5-5 5" />
    </Icon>
  );
}

export function FilterIcon() {
  return (
    <Icon>
      <path d="M4 7h16M7 12h10M10 17h4" />
    </Icon>
  );
}

export function TextIcon() {
  return (
    <Icon>
      <path d="M5 7V5h14v2M12 5v14m-2.5 0h5" />
    </Icon>
  );
}

export function ChangeIcon() {
  return (
    <Icon>
      <path d="M4 20h4L19 9l-4-4L4 16v4zM13 7l4 4" />
    </Icon>
  );
}
