import { describe, expect, it } from "vitest";
import { html, trustedHtml } from "./html.js";

describe("html", () => {
  it("escapes text so that it can end neither an element nor an attribute", () => {
    const text = `"><script>alert('1')</script>&`;
    expect(html`<p title="${text}">${text}</p>`.markup).toBe(
      `<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;">` +
        `&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;</p>`,
    );
  });

  it("keeps markup made by itself, and joins lists of it", () => {
    const items = ["a", "<b>"].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${trustedHtml("<svg/>")}`.markup).toBe(
      "<ul><li>a</li><li>&lt;b&gt;</li></ul><svg/>",
    );
  });

  it("leaves nothing behind for undefined and false, but writes 0", () => {
    expect(html`[${undefined}${false}${0}]`.markup).toBe("[0]");
  });
});
