/** Asks for the key that reading needs in some shops. */
import { useId } from "react";
import { saveKey } from "../api/read-key.js";

/** `wasWrong`: a key was given, and the service refused it. */
export function KeyForm({ wasWrong }: { readonly wasWrong: boolean }) {
  const id = useId();
  return (
    <form
      className="key-form card"
      onSubmit={(event) => {
        event.preventDefault();
        const key = String(new FormData(event.currentTarget).get("key") ?? "").trim();
        if (key !== "") saveKey(key);
      }}
    >
      <h1>This shop needs a key</h1>
      <p className="soft">
        Ask the people who run it. The key is kept in this tab only, and forgotten when you close it.
      </p>
      {wasWrong && (
        <p className="wrong" role="alert">
          The shop did not accept that key. Is it complete?
        </p>
      )}
      <label htmlFor={id}>Key</label>
      <input
        id={id}
        name="key"
        type="password"
        autoComplete="off"
        required
        pattern="\s*[!-~]+\s*"
        title="Letters, digits and signs without spaces"
      />
      <button type="submit" className="button primary">
        Open the shop
      </button>
    </form>
  );
}
