/** Where the page starts. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useReadKey } from "./api/read-key.js";
import { KeyForm } from "./parts/key-form.js";
import { Shop } from "./shop.js";
import "./styles/theme.css";
import "./styles/controls.css";
import "./styles/page.css";
import "./styles/composer.css";
import "./styles/items.css";
import "./styles/how.css";

function Page() {
  const { key, isRefused } = useReadKey();
  if (isRefused)
    return (
      <main className="wrap key-page">
        <KeyForm wasWrong={key !== undefined} />
      </main>
    );
  // With another key everything is asked for anew.
  return <Shop key={key ?? ""} />;
}

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no element for the page");
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
