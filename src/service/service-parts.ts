/** What the routes of a service share. */

import type { CatalogueWriter } from "./catalogue-writer.js";
import type { Load } from "./load.js";
import type { Metrics } from "./metrics.js";
import type { ServedCatalogue } from "./served-catalogue.js";

export interface ServiceParts {
  readonly catalogue: ServedCatalogue;
  readonly writer: CatalogueWriter;
  readonly metrics: Metrics;
  readonly load: Load;
  readonly timeoutMs: number;
  /** Built files of the page. */
  readonly webFolder: string;
  readonly isStopping: () => boolean;
}
