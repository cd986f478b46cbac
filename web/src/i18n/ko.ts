// 한국어. The same keys as en.ts; the type says so.
import type { Catalogue } from ".";
import { common } from "./ko/common";
import { errors } from "./ko/errors";
import { instances } from "./ko/instances";
import { keys } from "./ko/keys";
import { keyRings } from "./ko/key-rings";
import { login } from "./ko/login";
import { policies } from "./ko/policies";
import { iam } from "./ko/iam";
import { metrics } from "./ko/metrics";
import { audit } from "./ko/audit";
import { transfers } from "./ko/transfers";
import { migration } from "./ko/migration";
import { units } from "./ko/units";
import { ceremony } from "./ko/ceremony";
import { about } from "./ko/about";

export const ko: Catalogue = { ...common, ...errors, ...login, ...instances, ...keys, ...keyRings, ...policies, ...iam, ...metrics, ...audit, ...transfers, ...migration, ...units, ...ceremony, ...about };
