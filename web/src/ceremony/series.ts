// The same for one unit after another: how far it is, and where it stopped.
import type { UnitFacts } from "../crypto-units/facts";
import { SeriesError } from "../tke/error";

// How far a series is.
export type Tell = (done: number, total: number) => void;

// Stops at the first that fails, with an error that names the unit and how many were done before. `tell` is null for what
// changes nothing yet: then none was done.
export async function inTurn<Item extends { facts?: UnitFacts; proposal?: { hsm_id: string } }>(items: readonly Item[], tell: Tell | null, work: (item: Item, index: number) => Promise<unknown>): Promise<void> {
  for (const [index, item] of items.entries()) {
    tell?.(index, items.length);
    try {
      await work(item, index);
    } catch (error) {
      throw new SeriesError(item.facts?.unit.location ?? item.proposal?.hsm_id ?? "", tell ? index : 0, items.length, error);
    }
  }
}
