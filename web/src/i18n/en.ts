// English: the catalogue that all others follow. One file per area of the console, joined here.
import { common } from "./en/common";
import { errors } from "./en/errors";
import { instances } from "./en/instances";
import { keys } from "./en/keys";
import { keyRings } from "./en/key-rings";
import { login } from "./en/login";
import { policies } from "./en/policies";
import { iam } from "./en/iam";
import { metrics } from "./en/metrics";
import { audit } from "./en/audit";
import { transfers } from "./en/transfers";
import { migration } from "./en/migration";
import { units } from "./en/units";
import { ceremony } from "./en/ceremony";
import { about } from "./en/about";

export const en = { ...common, ...errors, ...login, ...instances, ...keys, ...keyRings, ...policies, ...iam, ...metrics, ...audit, ...transfers, ...migration, ...units, ...ceremony, ...about };
