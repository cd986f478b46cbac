// English texts of the first load: the frame, the log-in, and what components say on every page. See areas.ts for the others.
import { common } from "./en/common";
import { errors } from "./en/errors";
import { login } from "./en/login";
import { may } from "./en/may";
import { titles } from "./en/titles";

export const base = { ...common, ...titles, ...errors, ...login, ...may };
