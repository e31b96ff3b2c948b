/** What stands around the shop: header, introduction, footer. */
import { countOf } from "../words.js";

interface HeaderProps {
  /** In the catalogue; undefined until it is known. */
  readonly items: number | undefined;
  readonly onHome: () => void;
}

export function Header({ items, onHome }: HeaderProps) {
  return (
    <header className="bar">
      <div className="wrap">
        <a
          className="brand"
          href="./"
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            onHome();
          }}
        >
          This one, <em>but…</em>
        </a>
        {items !== undefined && <span className="small soft">{countOf(items, "item")}</span>}
      </div>
    </header>
  );
}

export function Hero() {
  return (
    <div className="hero">
      <h1>Almost right? Say what should be different.</h1>
      <p className="soft">
        Choose “Change this one” on anything you like, or bring a picture of your own. Then describe the
        change in your words.
      </p>
    </div>
  );
}

export function Footer({ model }: { readonly model: string | undefined }) {
  return (
    <footer className="foot">
      <div className="wrap small soft">
        {model !== undefined && <span>Searches with the model “{model}”.</span>}
        <a href="/docs">For programs</a>
        <a href="/licences.txt">Licences</a>
        <span>
          Press <kbd>/</kbd> to type.
        </span>
      </div>
    </footer>
  );
}
