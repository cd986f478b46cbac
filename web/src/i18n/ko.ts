// 한국어. The same texts as en.ts; the type says so.
import type { base as source } from "./en";
import { common } from "./ko/common";
import { errors } from "./ko/errors";
import { login } from "./ko/login";
import { may } from "./ko/may";
import { titles } from "./ko/titles";

export const base: typeof source = { ...common, ...titles, ...errors, ...login, ...may };
