// Whether somebody sits before the page. Pages that show progress ask again and again by themselves; `keyhaven console`
// ends when nobody uses it, so calls say whether a person has touched the page shortly before.

// What follows from one click has been called by then.
const SHORTLY_MS = 10_000;

// Opening the page is an act of a person.
let touchedAt = performance.now();

const touched = () => {
  touchedAt = performance.now();
};
if (typeof window !== "undefined") {
  for (const act of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) window.addEventListener(act, touched, { capture: true, passive: true });
}

export const isAttended = (): boolean => performance.now() - touchedAt < SHORTLY_MS;
