/** The page of one search: the query, its answers, and how it went through the network. */

import { formatCount } from "../number-text.js";
import type { Fact } from "./fact-list.js";
import { page, type Section } from "./page.js";
import { queryAnswers } from "./query-answers.js";
import { routeDiagram } from "./route-diagram.js";
import type { QueryAnswer, QueryRoutes } from "./types.js";

export interface SearchPage {
  readonly answer: QueryAnswer;
  /** Absent for models without routers. */
  readonly routes?: QueryRoutes | undefined;
  /** Model, run, commit. */
  readonly facts: readonly Fact[];
}

/** The whole document. */
export function searchPage({ answer, routes, facts }: SearchPage): string {
  const { text, gallerySize, results } = answer;
  const sections: Section[] = [{ id: "answer", title: "Best matches", body: queryAnswers([answer]) }];
  if (routes) sections.push(routeSection(routes));
  return page(
    {
      eyebrow: "SDFN · composed image retrieval",
      title: text.trim() === "" ? "This one" : `This one, but: ${text}`,
      lead: `The ${results.length} closest of ${formatCount(gallerySize ?? results.length)} pictures to the reference picture as the sentence changes it.`,
      facts,
    },
    sections,
  );
}

/** The diagram as a section of a page. `which` says in words whose route it is: "the first query". */
export function routeSection(routes: QueryRoutes, { which = "the query", text = "" } = {}): Section {
  return {
    id: "route",
    title: `How ${which} went through the network`,
    lead: `${text === "" ? "" : `“${text}”. `}For every query anew, routers decide how much each operation module gives to the modules of the next layer.`,
    body: routeDiagram(routes),
  };
}
