/** What there is to search: the catalogue's contents and the service's limits. */
import { catalogueSchema, serviceLimits } from "../api.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";

export function catalogueRoute(app: ServiceApp, { catalogue }: ServiceParts): void {
  app.get(
    "/v1/catalogue",
    {
      config: { access: "read" },
      schema: {
        operationId: "getCatalogue",
        tags: ["search"],
        summary: "The model, what the items have, and the service's limits",
        response: { 200: catalogueSchema },
      },
    },
    async () => {
      const { index, modules, isWritable } = catalogue;
      await index.refresh();
      const { model, modelId, embedDim, contents, updated } = index.manifest;
      return {
        model: { name: model, id: modelId, embedDim, modules: [...modules] },
        contents,
        updated,
        writable: isWritable,
        limits: { ...serviceLimits },
      };
    },
  );
}
