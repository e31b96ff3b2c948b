/** The operation modules that a configuration names, for whatever has routers. */
import { z } from "zod";

const configSchema = z.object({ modules: z.array(z.string()) });

/** In the order of the route weights; undefined for a model without. */
export function operationModuleNames(modelConfig: unknown): readonly string[] | undefined {
  const parsed = configSchema.safeParse(modelConfig);
  return parsed.success ? parsed.data.modules : undefined;
}
