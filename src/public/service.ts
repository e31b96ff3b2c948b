/** The public surface `sdfn/service`: searches over HTTP. Re-exports only. */

export type * from "../service/api.js";
export {
  type Service,
  type ServiceOptions,
  serviceDefaults,
  startService,
} from "../service/start-service.js";
