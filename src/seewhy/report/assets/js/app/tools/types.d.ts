// Types that the tools share, from the modules that declare them.

export type { App, ChangedResult, ChangedWord, Entry, Job, Result, RunOptions } from "../types.d.ts";
export type { Payload } from "../../report/payload.d.ts";
